//! The value that a sequential detector watches.

use serde::{Deserialize, Serialize};

use crate::drift::detector::Domain;
use crate::trigger::labelled::Counted;
use crate::trigger::{Want, outputs};

/// The watched value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// The error: 1 if the prediction is wrong, else 0.
    Error,
    /// The model's cross-entropy loss.
    Loss,
    /// The difference between the two largest class probabilities, from 0 to 1.
    Margin,
    /// The largest class probability, from 0 to 1.
    Confidence,
    /// The feature with this number.
    Feature(usize),
}

impl Watched {
    pub(super) fn counted(self) -> Counted {
        match self {
            Self::Error | Self::Loss => Counted::Labelled,
            _ => Counted::All,
        }
    }

    pub(super) fn want(self) -> Want {
        match self {
            Self::Feature(_) => Want::Features,
            _ => Want::Predictions,
        }
    }

    pub(super) fn domain(self) -> Domain {
        match self {
            Self::Error => Domain::Binary,
            Self::Margin | Self::Confidence => Domain::Unit,
            Self::Loss | Self::Feature(_) => Domain::Real,
        }
    }

    /// The value of a sample with output or features `row`.
    pub(super) fn value(self, row: &[f32], label: Option<u32>) -> Option<f64> {
        match self {
            Self::Error => label.map(|label| f64::from(outputs::is_wrong(row, label))),
            Self::Loss => label.map(|label| outputs::loss(row, label)),
            Self::Margin => Some(outputs::margin(row)),
            Self::Confidence => Some(outputs::confidence(row)),
            Self::Feature(number) => row.get(number).map(|value| f64::from(*value)),
        }
    }
}
