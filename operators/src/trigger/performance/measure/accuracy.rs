//! Accuracy.

use serde::{Deserialize, Serialize};

use super::Answered;
use super::interval::IntervalMeasure;
use crate::criterion::Criterion;
use crate::trigger::outputs::is_wrong;

pub(super) const EXAMPLE: &str = "threshold = 0.8";

/// The share of samples whose class is predicted, from 0 to 1. Low values fire.
///
/// The prediction is the most probable class. Ties go to the first class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// The accuracy at or below which the model is trained.
    pub threshold: Criterion,
}

impl IntervalMeasure for Accuracy {
    fn threshold(&self) -> &Criterion {
        &self.threshold
    }

    fn value(&self, interval: &Answered<'_>) -> f64 {
        interval.mean(|row, label| f64::from(!is_wrong(row, label)))
    }
}
