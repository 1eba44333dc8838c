//! The mean loss.

use serde::{Deserialize, Serialize};

use super::Answered;
use super::interval::IntervalMeasure;
use crate::criterion::{Criterion, Direction};
use crate::trigger::outputs;

pub(super) const EXAMPLE: &str = "threshold = 1.0";

/// The mean cross-entropy loss, −ln p of the label's class. High values fire.
///
/// Probabilities below 2⁻²³ count as 2⁻²³, so that one sample adds at most 15.9.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The loss from which on the model is trained.
    pub threshold: Criterion,
}

impl IntervalMeasure for Loss {
    const DIRECTION: Direction = Direction::Higher;

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }

    fn value(&self, interval: &Answered<'_>) -> f64 {
        interval.mean(outputs::loss)
    }

    fn check_threshold(&self) -> Vec<String> {
        let mut problems = self.threshold.check(Self::DIRECTION);
        if self.threshold.significance().is_some() {
            problems.push("p_value needs a distance of two samples".to_owned());
        }
        problems
    }
}
