//! The generator of SEA concepts.

use std::array;
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::random::{Draw, feature, random};
use super::{Generator, GeneratorConfig, even_changes, even_concept};
use crate::{Columns, DatasetError, Probability, Schema, Timestamp, ValueType};

pub(super) const EXAMPLE: &str = "length = 10000";

/// SEA concepts: a threshold on the sum of two features, which changes abruptly.
///
/// Three features are uniform between 0 and 10. The class does not depend on the third:
///
/// ```text
/// class = 1 if x₁ + x₂ ≤ θ, else 0
/// ```
///
/// The stream has one part for each threshold, all of equal length. θ is constant within a part.
/// The classes of a share `noise` of the samples are swapped.
///
/// Reference: Street and Kim, *A streaming ensemble algorithm (SEA) for large-scale
/// classification*, KDD 2001.
///
/// ```
/// use driftmill_datasets::Columns;
/// use driftmill_datasets::generate::{GeneratorConfig, Sea};
///
/// let sea: Sea = toml::from_str("length = 1000\nnoise = 0.0").unwrap();
/// assert_eq!(sea.change_points(), [250, 500, 750]);
///
/// let mut columns = Columns::new(sea.schema());
/// sea.init().unwrap().fill(0..250, &mut columns);
/// for (x, label) in columns.values.floats().chunks(3).zip(&columns.labels) {
///     assert_eq!(*label, Some(u32::from(x[0] + x[1] <= 8.0)));
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sea {
    /// θ of each concept, in order; the sum of the features is between 0 and 20. Default:
    /// `[8.0, 9.0, 7.0, 9.5]`.
    pub thresholds: Thresholds,
    /// Share of samples whose class is swapped. Default: 0.1.
    pub noise: Probability,
    /// Samples in the stream. Default: 50,000.
    pub length: NonZeroU64,
    /// Seed of all randomness. Default: 0.
    pub seed: u64,
    /// Event time of the first sample. Default: 1970-01-01.
    pub start: Timestamp,
    /// Milliseconds from one sample to the next. Default: 1,000.
    pub step_ms: NonZeroU32,
}

/// A list of finite numbers, at least one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<f64>")]
pub struct Thresholds(Vec<f64>);

/// The error for an invalid list of thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("wanted at least one threshold, all of them finite")]
pub struct ThresholdsError;

impl TryFrom<Vec<f64>> for Thresholds {
    type Error = ThresholdsError;

    fn try_from(thresholds: Vec<f64>) -> Result<Self, ThresholdsError> {
        let fits = !thresholds.is_empty() && thresholds.iter().all(|theta| theta.is_finite());
        if fits { Ok(Self(thresholds)) } else { Err(ThresholdsError) }
    }
}

impl Default for Sea {
    fn default() -> Self {
        Self {
            thresholds: Thresholds(vec![8.0, 9.0, 7.0, 9.5]),
            noise: 0.1.try_into().expect("a probability"),
            length: NonZeroU64::new(50_000).expect("not zero"),
            seed: 0,
            start: Timestamp::default(),
            step_ms: NonZeroU32::new(1_000).expect("not zero"),
        }
    }
}

impl GeneratorConfig for Sea {
    fn schema(&self) -> Schema {
        Schema { value: ValueType::F32, shape: vec![3] }
    }

    fn classes(&self) -> u32 {
        2
    }

    fn len(&self) -> u64 {
        self.length.get()
    }

    fn change_points(&self) -> Vec<u64> {
        even_changes(self.len(), self.thresholds.0.len() as u64)
    }

    fn init(&self) -> Result<Box<dyn Generator>, DatasetError> {
        Ok(Box::new(SeaGenerator { config: self.clone() }))
    }
}

struct SeaGenerator {
    config: Sea,
}

impl Generator for SeaGenerator {
    fn fill(&mut self, range: Range<u64>, columns: &mut Columns) {
        let Sea { thresholds: Thresholds(thresholds), noise, seed, start, .. } = &self.config;
        for index in range {
            let concept = even_concept(index, self.config.len(), thresholds.len() as u64);
            let theta = thresholds[usize::try_from(concept).expect("one of the thresholds")];
            let mut random = random(*seed, "sea", index);
            let x: [f32; 3] = array::from_fn(|_| feature(10.0 * random.uniform()));
            let below = f64::from(x[0] + x[1]) <= theta;
            columns.values.floats().extend(x);
            let time = start.after(index, self.config.step_ms.get());
            let swapped = random.happens(noise.get());
            columns.finish_row(Some(time), Some(u32::from(below != swapped)));
        }
    }
}
