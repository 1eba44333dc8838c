//! How good the models of a run were: prequential accuracy and loss, per interval and in total; and of
//! which classes its samples are.

mod classes;

pub use classes::{ClassCounts, Classes};

use std::collections::BTreeMap;

use driftmill_operators::flow::Scored;
use serde::{Deserialize, Serialize};

/// Units of [`Scored::loss`] in a nat.
const UNIT: f64 = (1u64 << 32) as f64;

/// A loss in nats, as the integer in which losses are summed up.
pub fn fixed_point(loss: f32) -> i128 {
    // beyond this a loss says no more than that the model was certain and wrong.
    (f64::from(loss.clamp(0.0, 1e6)) * UNIT) as i128
}

/// Scores of one composite model, summed up by intervals of event time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Prequential {
    intervals: BTreeMap<i64, Scored>,
}

/// Prequential results: each sample was scored by the version that was active when it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Results {
    /// Samples that were scored.
    pub samples: u64,
    /// Labelled samples that came before there was a model.
    pub unscored: u64,
    /// Share of the scored samples whose class was predicted; none without samples.
    pub accuracy: Option<f64>,
    /// Mean cross entropy, in nats.
    pub loss: Option<f64>,
    /// The same for each interval of event time.
    pub intervals: Vec<Interval>,
}

/// Prequential results of an interval of event time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The first millisecond since 1970.
    pub start: i64,
    /// The first millisecond after it.
    pub end: i64,
    /// Samples that were scored.
    pub samples: u64,
    /// Share of them whose class was predicted.
    pub accuracy: Option<f64>,
    /// Mean cross entropy, in nats.
    pub loss: Option<f64>,
}

impl Prequential {
    /// Adds scores; their order does not matter.
    pub fn add(&mut self, scored: &Scored) {
        let sum = self.intervals.entry(scored.interval).or_default();
        sum.samples += scored.samples;
        sum.unscored += scored.unscored;
        sum.correct += scored.correct;
        sum.loss += scored.loss;
    }

    /// The results, with intervals of `length` milliseconds; none for a single one.
    pub fn results(&self, length: Option<i64>) -> Results {
        let mut total = Scored::default();
        let mut results = Results::default();
        for (number, sum) in &self.intervals {
            total.samples += sum.samples;
            total.unscored += sum.unscored;
            total.correct += sum.correct;
            total.loss += sum.loss;
            if let Some(length) = length.filter(|_| sum.samples > 0) {
                results.intervals.push(Interval {
                    start: number.saturating_mul(length),
                    end: number.saturating_add(1).saturating_mul(length),
                    samples: sum.samples as u64,
                    accuracy: mean(sum.correct as f64, sum.samples),
                    loss: mean(sum.loss as f64 / UNIT, sum.samples),
                });
            }
        }
        // what is taken back was counted before.
        results.samples = total.samples as u64;
        results.unscored = total.unscored as u64;
        results.accuracy = mean(total.correct as f64, total.samples);
        results.loss = mean(total.loss as f64 / UNIT, total.samples);
        results
    }
}

fn mean(sum: f64, count: i64) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}
