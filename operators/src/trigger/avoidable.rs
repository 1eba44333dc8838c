//! Misclassifications that a training would have avoided.

use serde::{Deserialize, Serialize};

use super::trend::{Forecast, Trend};

/// The expected accuracy, which defines the avoidable misclassifications of an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expectation {
    /// The accuracy of a new model, if it is given.
    pub(super) accuracy: Option<f64>,
    /// The method of the forecast, if no accuracy is given.
    pub(super) forecast: Forecast,
    /// Whether intervals that are better than expected offset others.
    pub(super) allow_reduction: bool,
}

/// Accuracies of models over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Accuracies {
    /// Accuracy of each model on its first interval.
    new: Trend,
    /// Accuracy of the newest model on each of its intervals.
    since: Trend,
    /// Whether the newest model was measured.
    measured: bool,
}

impl Accuracies {
    /// Adds an interval of `samples` samples with `wrong` errors. Returns the number of errors that a model
    /// trained just before would have avoided, and the accuracy that was expected of that model.
    pub(super) fn avoidable(
        &mut self,
        expectation: &Expectation,
        samples: u64,
        wrong: u64,
    ) -> (f64, f64) {
        let accuracy = 1.0 - wrong as f64 / samples.max(1) as f64;
        self.since.push(accuracy);
        if !std::mem::replace(&mut self.measured, true) {
            self.new.push(accuracy);
        }
        let forecast = self.new.forecast(expectation.forecast).unwrap_or(accuracy);
        let expected = expectation.accuracy.unwrap_or(forecast.clamp(0.0, 1.0));
        let avoidable = wrong as f64 - (1.0 - expected) * samples as f64;
        (if expectation.allow_reduction { avoidable } else { avoidable.max(0.0) }, expected)
    }

    /// The forecast accuracy of the newest model on the next interval.
    pub(super) fn next(&self, forecast: Forecast) -> Option<f64> {
        self.since.forecast(forecast).map(|accuracy| accuracy.clamp(0.0, 1.0))
    }

    /// Starts again for a new model.
    pub(super) fn trained(&mut self) {
        self.since = Trend::default();
        self.measured = false;
    }
}

/// The problem of an expected accuracy.
pub(super) fn check_accuracy(accuracy: Option<f64>) -> Option<&'static str> {
    let fits = accuracy.is_none_or(|accuracy| (0.0..=1.0).contains(&accuracy));
    (!fits).then_some("an accuracy is between 0 and 1")
}
