//! The cost of trainings, estimated by regression.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::trigger::{Outcome, ridge};

/// The ridge penalty of seconds per sample.
const PENALTY: f64 = 1.0;

/// The seconds of a training as a function of its number of samples.
///
/// The durations of trainings are recorded with their outcomes, so that a resumed job decides as if it had
/// never stopped. A job that runs again from the beginning measures other durations and may decide
/// differently. With a declared cost it decides the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TrainingCost {
    /// A line through the durations of the last trainings: ridge regression of seconds on samples, with an
    /// intercept and a penalty of 1.
    Measured {
        /// Number of trainings in the regression.
        window: NonZeroUsize,
    },
    /// The declared cost: `fixed` + `per_sample` · samples.
    Declared {
        /// Seconds per training.
        fixed: f64,
        /// Seconds per sample.
        per_sample: f64,
    },
}

impl Default for TrainingCost {
    fn default() -> Self {
        Self::Measured { window: NonZeroUsize::new(10).expect("10 is not zero") }
    }
}

impl TrainingCost {
    pub(crate) fn check(&self) -> Option<String> {
        match self {
            Self::Declared { fixed, per_sample } => {
                let fits = [fixed, per_sample].iter().all(|s| s.is_finite() && **s >= 0.0);
                (!fits).then(|| "declared seconds must be numbers from 0 on".to_owned())
            }
            Self::Measured { .. } => None,
        }
    }

    /// The problem of this cost for a shadow, which trains nothing.
    pub(crate) fn check_shadow(&self) -> Option<(&'static str, String)> {
        let text = "a shadow has no trainings to measure: declare what one costs, as in \
                    training.declared = { fixed = 20, per_sample = 0.001 }";
        matches!(self, Self::Measured { .. }).then(|| ("training", text.to_owned()))
    }

    /// The estimated seconds of a training on `samples`.
    pub(crate) fn seconds(&self, trainings: &Trainings, samples: u64) -> f64 {
        let samples = samples as f64;
        let seconds = match self {
            Self::Declared { fixed, per_sample } => fixed + per_sample * samples,
            Self::Measured { .. } => {
                let points: Vec<(f64, f64)> = trainings.0.iter().copied().collect();
                ridge::predict(&points, PENALTY, samples).unwrap_or(0.0)
            }
        };
        seconds.max(0.0)
    }
}

/// Samples and seconds of the last trainings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trainings(VecDeque<(f64, f64)>);

impl Trainings {
    pub(crate) fn push(&mut self, cost: &TrainingCost, outcome: &Outcome) {
        let TrainingCost::Measured { window } = cost else { return };
        if outcome.seconds.is_finite() {
            self.0.push_back((outcome.samples as f64, outcome.seconds));
            let surplus = self.0.len().saturating_sub(window.get());
            self.0.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    #[test]
    fn costs_are_those_of_modyn() {
        let cost = TrainingCost::Measured { window: 3.try_into().unwrap() };
        let mut trainings = Trainings::default();
        let took =
            [(100, 10.0, 10.0), (200, 18.0, 14.0), (300, 31.0, 14.416929), (50, 6.0, 15.052735)];
        for (samples, seconds, wanted) in took {
            let outcome = Outcome::trained(0, 1, Position::MIN);
            trainings.push(&cost, &Outcome { samples, seconds, ..outcome });
            let found = cost.seconds(&trainings, 150);
            assert!((found - wanted).abs() < 1e-6, "{samples} samples: {found}, not {wanted}");
        }
    }

    #[test]
    fn a_declared_cost_does_not_look_at_trainings() {
        let cost = TrainingCost::Declared { fixed: 5.0, per_sample: 0.5 };
        assert_eq!(cost.seconds(&Trainings::default(), 10), 10.0);
    }
}
