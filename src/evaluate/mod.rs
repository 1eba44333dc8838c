//! The evaluation of a run's models: prequential accuracy and loss, per interval and in total, and counts
//! of classes.

mod classes;

pub use classes::{ClassCounts, Classes};

use std::collections::BTreeMap;

use driftmill_operators::flow::Scored;
use serde::{Deserialize, Serialize};

/// Units of [`Scored::loss`] in a nat.
const UNIT: f64 = (1u64 << 32) as f64;

/// Converts a loss in nats to an integer, because sums of integers do not depend on their order.
pub fn fixed_point(loss: f32) -> i128 {
    // larger losses have the same meaning: the model was certain and wrong.
    (f64::from(loss.clamp(0.0, 1e6)) * UNIT) as i128
}

/// Scores of one composite model, summed by intervals of event time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Prequential {
    intervals: BTreeMap<i64, Scored>,
}

/// Prequential results. Each sample was scored by the version that was active at its position.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Results {
    /// The quality over the whole run.
    #[serde(flatten)]
    pub total: Quality,
    /// Labelled samples that arrived before there was a model.
    pub unscored: u64,
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
    /// The quality in this interval.
    #[serde(flatten)]
    pub quality: Quality,
}

/// How well the classes of samples were predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quality {
    /// Samples that were scored.
    pub samples: u64,
    /// Share of them whose class was predicted; none without samples.
    pub accuracy: Option<f64>,
    /// Mean cross entropy, in nats.
    pub loss: Option<f64>,
}

impl Prequential {
    /// Adds scores. Their order does not matter.
    pub fn add(&mut self, scored: &Scored) {
        add(self.intervals.entry(scored.interval).or_default(), scored);
    }

    /// The results, with intervals of `length` milliseconds; none for a single one.
    pub fn results(&self, length: Option<i64>) -> Results {
        let mut total = Scored::default();
        let mut intervals = Vec::new();
        for (number, sum) in &self.intervals {
            add(&mut total, sum);
            if let Some(length) = length.filter(|_| sum.samples > 0) {
                intervals.push(Interval {
                    start: number.saturating_mul(length),
                    end: number.saturating_add(1).saturating_mul(length),
                    quality: Quality::of(sum),
                });
            }
        }
        // only counted scores are retracted, so that the sums are not negative.
        Results { total: Quality::of(&total), unscored: total.unscored as u64, intervals }
    }
}

impl Quality {
    fn of(sum: &Scored) -> Self {
        let mean = |total: f64| (sum.samples > 0).then(|| total / sum.samples as f64);
        Self {
            samples: sum.samples as u64,
            accuracy: mean(sum.correct as f64),
            loss: mean(sum.loss as f64 / UNIT),
        }
    }
}

fn add(sum: &mut Scored, more: &Scored) {
    sum.samples += more.samples;
    sum.unscored += more.unscored;
    sum.correct += more.correct;
    sum.loss += more.loss;
}
