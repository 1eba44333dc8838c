//! Accuracy.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::interval::IntervalMeasure;
use super::{Answered, Measure, MeasureConfig};
use crate::criterion::{Criterion, Direction};
use crate::trigger::outputs::is_wrong;

pub(super) const EXAMPLE: &str = "threshold = 0.8";

/// The share of samples that are predicted rightly, from 0 to 1; low is bad.
///
/// The prediction is the most probable class, the first of several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// The accuracy down from which the model is to be trained.
    pub threshold: Criterion,
}

impl MeasureConfig for Accuracy {
    fn init(&self, _every: NonZeroUsize) -> Box<dyn Measure> {
        let right = |row: &[f32], label| f64::from(!is_wrong(row, label));
        let accuracy = move |interval: &Answered<'_>| interval.mean(right);
        Box::new(IntervalMeasure::new(&self.threshold, Direction::Lower, accuracy))
    }

    fn criterion(&self) -> Option<(&Criterion, Direction)> {
        Some((&self.threshold, Direction::Lower))
    }
}
