//! What is measured of a model on the samples of an interval, and when that is too bad.

mod interval;

use std::num::NonZeroUsize;

use crate::criterion::Direction;
use crate::trigger::Score;
use crate::trigger::labelled::Sample;
use crate::trigger::outputs::labelled;
use crate::{Matrix, Snapshot};

/// What a `metrics.…` table of a performance trigger builds.
pub trait MeasureConfig: Send + Sync {
    /// The measure, before the first of its intervals of `every` samples.
    fn init(&self, every: NonZeroUsize) -> Box<dyn Measure>;

    /// The relation of what fires to the threshold, for people.
    fn sign(&self) -> &'static str;

    /// On which side of its threshold a value of one interval fires; none of one that adds up over
    /// intervals.
    fn direction(&self) -> Option<Direction>;

    /// What is wrong with the table beyond what its types refuse.
    fn check(&self) -> Vec<String>;
}

/// Measures a model on one interval after another.
pub trait Measure: Snapshot + Send {
    /// Measures the newest model on an interval and says whether that is too bad; `metric` of the
    /// score is left empty.
    fn score(&mut self, interval: &Answered<'_>) -> Score;

    /// There is a new model.
    fn trained(&mut self) {}
}

/// The samples of an interval: class probabilities and labels.
pub struct Answered<'a> {
    rows: Vec<(&'a [f32], u32)>,
}

impl<'a> Answered<'a> {
    pub(super) fn new(samples: &'a [Sample], answer: &'a Matrix) -> Self {
        Self { rows: labelled(samples, answer).collect() }
    }

    /// Samples whose label is known.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Class probabilities and label of each sample.
    pub fn rows(&self) -> impl Iterator<Item = (&'a [f32], u32)> {
        self.rows.iter().copied()
    }

    /// The mean of what `each` says of class probabilities and label; 0 of no samples.
    pub fn mean(&self, each: impl Fn(&[f32], u32) -> f64) -> f64 {
        self.rows().map(|(row, label)| each(row, label)).sum::<f64>() / self.len().max(1) as f64
    }
}

driftmill_registry::any_of! {
    /// The `metrics` table of a performance trigger.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    MeasureTable: dyn MeasureConfig {
        accuracy: Accuracy,
        top_k_accuracy: TopKAccuracy,
        f1: F1,
        loss: Loss,
        avoidable_misclassifications: AvoidableMisclassifications,
    }
}

impl MeasureTable {
    /// What is wrong with the table that no single type can refuse.
    pub fn check(&self) -> Vec<String> {
        let named = self.named();
        if named.is_empty() {
            return vec!["name at least one metric, as in metrics.accuracy".to_owned()];
        }
        let own = |(key, metric): &(&str, &dyn MeasureConfig)| {
            let problems = metric.check().into_iter();
            problems.map(|problem| format!("{key}: {problem}")).collect::<Vec<_>>()
        };
        named.iter().flat_map(own).collect()
    }
}
