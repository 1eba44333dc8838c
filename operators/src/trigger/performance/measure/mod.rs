//! Measures of a model on the samples of an interval, with their thresholds.

mod interval;

use std::num::NonZeroUsize;

use crate::criterion::{Criterion, Direction};
use crate::trigger::Score;
use crate::trigger::labelled::Sample;
use crate::trigger::outputs::labelled;
use crate::{Matrix, Snapshot};

/// The configuration of a measure: a `metrics.…` table of a performance trigger.
pub trait MeasureConfig: Send + Sync {
    /// Creates the measure. Its intervals have `every` samples.
    fn init(&self, every: NonZeroUsize) -> Box<dyn Measure>;

    /// The criterion for the value of one interval, and the direction in which it fires. None for a
    /// measure that adds up over intervals.
    fn criterion(&self) -> Option<(&Criterion, Direction)>;

    /// The relation between a value that fires and the threshold, for display.
    fn sign(&self) -> &'static str {
        self.criterion().map_or("≥", |(criterion, direction)| criterion.sign(direction))
    }

    /// Problems of the table that its types cannot detect.
    fn check(&self) -> Vec<String> {
        self.criterion().map_or_else(Vec::new, |(criterion, direction)| criterion.check(direction))
    }
}

/// Measures a model on one interval after another.
pub trait Measure: Snapshot + Send {
    /// Measures the newest model on an interval and compares the value with the threshold. The field
    /// `metric` of the score is left empty.
    fn score(&mut self, interval: &Answered<'_>) -> Score;

    /// Reports that a new model was trained.
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

    /// Number of samples whose label is known.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no sample has a known label.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Class probabilities and label of each sample.
    pub fn rows(&self) -> impl Iterator<Item = (&'a [f32], u32)> {
        self.rows.iter().copied()
    }

    /// The mean of `each` over class probabilities and labels; 0 without samples.
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
    /// Problems of the table that its types cannot detect, each with its key.
    pub fn check(&self) -> Vec<String> {
        crate::named::check_named(&self.named(), "metrics.accuracy", |metric| metric.check())
    }
}
