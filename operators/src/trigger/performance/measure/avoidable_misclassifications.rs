//! The number of avoidable misclassifications.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Answered, Measure, MeasureConfig};
use crate::criterion::{Criterion, Direction};
use crate::snapshot::snapshot_field;
use crate::trigger::Score;
use crate::trigger::avoidable::{Accuracies, Expectation, check_accuracy};
use crate::trigger::outputs::is_wrong;
use crate::trigger::trend::Forecast;

pub(super) const EXAMPLE: &str = "threshold = 100
expected_accuracy = 0.9";

/// Errors since the last training that a new model would not have made.
///
/// ```text
/// a = expected_accuracy, or a forecast from the accuracies of past models on the first interval after
///     their trainings
/// sum ← sum + max(0, wrong − (1 − a) · n)              over the intervals since the last training
/// lookahead: + max(0, a − accuracy forecast for the next interval) · every
/// ```
///
/// Fires if the sum is at least `threshold`. The sum restarts at 0 with every model. It is not rounded, so
/// that small excesses of many intervals add up, unlike in Modyn.
///
/// Reference: M. Böther et al., *Modyn: Data-Centric Machine Learning Pipeline Orchestration*,
/// SIGMOD (2025), whose implementation leaves out both forecasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AvoidableMisclassifications {
    /// The number of avoidable errors from which on the model is trained.
    pub threshold: f64,
    /// Accuracy of a newly trained model, from 0 to 1 (default: forecast).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_accuracy: Option<f64>,
    /// The forecast of accuracies (default `ridge`).
    #[serde(default)]
    pub forecast: Forecast,
    /// Whether intervals that are better than expected offset others (default no).
    #[serde(default)]
    pub allow_reduction: bool,
    /// Whether the avoidable errors that are forecast for the next interval count (default no).
    #[serde(default)]
    pub lookahead: bool,
}

impl MeasureConfig for AvoidableMisclassifications {
    fn init(&self, every: NonZeroUsize) -> Box<dyn Measure> {
        Box::new(Sum { config: self.clone(), every, state: State::default() })
    }

    fn criterion(&self) -> Option<(&Criterion, Direction)> {
        None
    }

    fn check(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            check_accuracy(self.expected_accuracy).map(str::to_owned).into_iter().collect();
        if !(self.threshold > 0.0 && self.threshold.is_finite()) {
            problems.push("the threshold must be a number above 0".to_owned());
        }
        problems
    }
}

struct Sum {
    config: AvoidableMisclassifications,
    every: NonZeroUsize,
    state: State,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct State {
    accuracies: Accuracies,
    sum: f64,
}

snapshot_field!(Sum: state);

impl Measure for Sum {
    fn score(&mut self, interval: &Answered<'_>) -> Score {
        let AvoidableMisclassifications { forecast, allow_reduction, .. } = self.config;
        let accuracy = self.config.expected_accuracy;
        let expectation = Expectation { accuracy, forecast, allow_reduction };
        let wrong = interval.rows().filter(|(row, label)| is_wrong(row, *label)).count() as u64;
        let State { accuracies, sum } = &mut self.state;
        let (avoidable, expected) =
            accuracies.avoidable(&expectation, interval.len() as u64, wrong);
        *sum += avoidable;
        let mut value = *sum;
        if self.config.lookahead {
            let next = accuracies.next(forecast).unwrap_or(expected);
            value += (expected - next).max(0.0) * self.every.get() as f64;
        }
        let (threshold, fires) = (Some(self.config.threshold), value >= self.config.threshold);
        Score { metric: String::new(), value, threshold, p_value: None, fires }
    }

    fn trained(&mut self) {
        self.state.accuracies.trained();
        self.state.sum = 0.0;
    }
}
