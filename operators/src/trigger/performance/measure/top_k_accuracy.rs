//! Top-k accuracy.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::Answered;
use super::interval::IntervalMeasure;
use crate::criterion::Criterion;

pub(super) const EXAMPLE: &str = "threshold = 0.95";

/// The share of samples whose class is among the `k` most probable classes, from 0 to 1. Low values fire.
///
/// Of equally probable classes the first counts as more probable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TopKAccuracy {
    /// Number of classes (default 5).
    #[serde(default = "crate::defaults::count::<5>")]
    pub k: NonZeroUsize,
    /// The share at or below which the model is trained.
    pub threshold: Criterion,
}

/// Whether the label is among the `k` most probable classes.
fn hits(row: &[f32], label: u32, k: usize) -> bool {
    let label = label as usize;
    let Some(own) = row.get(label) else { return false };
    let ahead = |(class, p): &(usize, &f32)| *p > own || *p == own && *class < label;
    row.iter().enumerate().filter(ahead).count() < k
}

impl IntervalMeasure for TopKAccuracy {
    fn threshold(&self) -> &Criterion {
        &self.threshold
    }

    fn value(&self, interval: &Answered<'_>) -> f64 {
        interval.mean(|row, label| f64::from(hits(row, label, self.k.get())))
    }
}

#[cfg(test)]
mod tests {
    use super::hits;

    /// Modyn's own example.
    #[test]
    fn the_first_classes_of_a_row_are_hits() {
        let rows = [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.3, 0.2]];
        let found: Vec<bool> = (0..3).map(|i| hits(&rows[i as usize], i, 2)).collect();
        assert_eq!(found, [false, true, false]);
        // of equally probable classes the first.
        assert!(hits(&[0.3, 0.4, 0.3], 0, 2) && !hits(&[0.3, 0.4, 0.3], 2, 2));
        assert!(!hits(&[1.0], 1, 5));
    }
}
