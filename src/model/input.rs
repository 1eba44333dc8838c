//! The scaling of feature values for networks.

use driftmill_datasets::{Schema, ValueType, Values};
use serde::{Deserialize, Serialize};

/// The scaling of a feature value for a network: `value × scale + shift`.
///
/// Bytes are mapped to −1 to 1, by `(x / 255 − 0.5) / 0.5`. Floats are unchanged. The scaling is a function
/// of the schema alone and is written next to the weights, because consumers must repeat it.
///
/// ```
/// use driftmill::model::InputScale;
/// use driftmill_datasets::{Schema, ValueType};
/// let scale = InputScale::of(&Schema { value: ValueType::U8, shape: vec![1, 32, 32] });
/// assert_eq!((scale.apply(0.0), scale.apply(255.0)), (-1.0, 1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputScale {
    /// The factor.
    pub scale: f32,
    /// The number that is added after the multiplication.
    pub shift: f32,
}

impl InputScale {
    /// The scaling for samples of `schema`.
    pub fn of(schema: &Schema) -> Self {
        match schema.value {
            ValueType::F32 => Self { scale: 1.0, shift: 0.0 },
            ValueType::U8 => Self { scale: 2.0 / 255.0, shift: -1.0 },
        }
    }

    /// The scaled value.
    pub fn apply(self, value: f32) -> f32 {
        value * self.scale + self.shift
    }

    /// All `values`, scaled.
    pub fn apply_all(self, values: Values) -> Vec<f32> {
        match values {
            Values::F32(values) if self == (Self { scale: 1.0, shift: 0.0 }) => values,
            Values::F32(values) => values.into_iter().map(|value| self.apply(value)).collect(),
            Values::U8(values) => {
                let table: [f32; 256] = std::array::from_fn(|byte| self.apply(byte as f32));
                values.into_iter().map(|byte| table[usize::from(byte)]).collect()
            }
        }
    }
}
