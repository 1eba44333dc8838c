//! The quantity that a sequential detector watches.

use serde::{Deserialize, Serialize};

use crate::drift::detector::Domain;
use crate::trigger::labelled::Counted;
use crate::trigger::{Want, outputs};

/// Which value of a sample is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// Whether the model is wrong: 0 or 1.
    Error,
    /// The model's cross-entropy loss.
    Loss,
    /// How far the most probable class is ahead of the next, from 0 to 1.
    Margin,
    /// The largest of the class probabilities, from 0 to 1.
    Confidence,
    /// The feature of this number.
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

    /// The value of a sample of which `row` is known.
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
