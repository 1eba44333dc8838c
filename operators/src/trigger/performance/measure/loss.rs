//! The mean loss.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::interval::IntervalMeasure;
use super::{Answered, Measure, MeasureConfig};
use crate::criterion::{Criterion, Direction};
use crate::trigger::outputs;

pub(super) const EXAMPLE: &str = "threshold = 1.0";

/// The mean cross-entropy loss, −ln p of the label's class; high is bad.
///
/// Probabilities below 2⁻²³ count as that, so that one sample adds at most 15.9.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The loss from which on the model is to be trained.
    pub threshold: Criterion,
}

impl MeasureConfig for Loss {
    fn init(&self, _every: NonZeroUsize) -> Box<dyn Measure> {
        let loss = |interval: &Answered<'_>| interval.mean(outputs::loss);
        Box::new(IntervalMeasure::new(&self.threshold, Direction::Higher, loss))
    }

    fn criterion(&self) -> Option<(&Criterion, Direction)> {
        Some((&self.threshold, Direction::Higher))
    }

    fn check(&self) -> Vec<String> {
        let mut problems = self.threshold.check(Direction::Higher);
        if self.threshold.significance().is_some() {
            problems.push("p_value needs a distance of two samples".to_owned());
        }
        problems
    }
}
