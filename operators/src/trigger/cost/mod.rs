//! The cost of waiting compared with the cost of training.

mod latency;
mod training;

pub use training::TrainingCost;

use serde::{Deserialize, Serialize};

use self::latency::Latency;
use self::training::Trainings;
use super::{Firing, Measurement, Outcome, Reason, Score, Step, WindowBounds};
use crate::drift::window::Item;

/// The cost of the intervals since the last training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Balance {
    latency: Latency,
    /// Number of samples since the last training.
    samples: u64,
    /// Time at which the last interval ended.
    ended: Option<i64>,
    trainings: Trainings,
}

/// The costs in the table of a cost trigger.
pub(super) struct Prices<'a> {
    pub(super) policy: &'a str,
    pub(super) conversion: f64,
    pub(super) training: &'a TrainingCost,
}

impl Prices<'_> {
    /// Problems of the costs.
    pub(super) fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !(self.conversion > 0.0 && self.conversion.is_finite()) {
            problems.push(("conversion", "wanted a number above 0".to_owned()));
        }
        problems.extend(self.training.check().map(|problem| ("training", problem)));
        problems
    }
}

impl Balance {
    /// Adds an interval. Each of its samples is a unit of regret from its arrival on.
    pub(super) fn add_each(&mut self, samples: &[Item]) {
        let Some((start, end)) = self.span(samples) else { return };
        self.latency.add_each(samples.iter().map(|(time, _)| *time), start, end);
    }

    /// Adds an interval during which `units` of regret arrived evenly.
    pub(super) fn add_evenly(&mut self, samples: &[Item], units: f64) {
        let Some((start, end)) = self.span(samples) else { return };
        self.latency.add_evenly(units, start, end);
    }

    /// The time from the end of the interval before, or from the first sample of all, to the last sample.
    fn span(&mut self, samples: &[Item]) -> Option<(i64, i64)> {
        let (first, last) = (samples.first()?, samples.last()?);
        self.samples += samples.len() as u64;
        Some((self.ended.replace(last.0).unwrap_or(first.0), last.0))
    }

    /// Compares the regret so far with the cost of a training.
    pub(super) fn evaluate(&self, prices: &Prices<'_>, samples: &[Item]) -> Step {
        let policy = prices.policy;
        let value = self.latency.area() * prices.conversion;
        let cost = prices.training.seconds(&self.trainings, self.samples);
        let fires = value >= cost;
        let metric = "regret".to_owned();
        let score = Score { metric, value, threshold: Some(cost), p_value: None, fires };
        let measurement = Measurement {
            scores: vec![score],
            windows: vec![WindowBounds::of("interval", samples.iter())],
            ..Measurement::of(policy)
        };
        if !fires {
            return Step::Measured(measurement);
        }
        let of = self.samples;
        let text = format!("regret {value:.4} s ≥ {cost:.4} s to train {of} samples");
        let policy = policy.to_owned();
        let reason = Reason { policy, text, score: Some(value), threshold: Some(cost) };
        Step::Fire(Firing::measured(reason, measurement))
    }

    /// Records the outcome of a training: a new version resets the regret.
    pub(super) fn trained(&mut self, prices: &Prices<'_>, outcome: &Outcome) {
        self.trainings.push(prices.training, outcome);
        self.latency = Latency::default();
        self.samples = 0;
    }
}
