//! Top-k accuracy.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::interval::IntervalMeasure;
use super::{Answered, Measure, MeasureConfig};
use crate::criterion::{Criterion, Direction};

pub(super) const EXAMPLE: &str = "threshold = 0.95";

/// The share of samples whose class is among the `k` most probable, from 0 to 1; low is bad.
///
/// Of equally probable classes the first counts as more probable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TopKAccuracy {
    /// How many classes (default 5).
    #[serde(default = "crate::defaults::count::<5>")]
    pub k: NonZeroUsize,
    /// The share down from which the model is to be trained.
    pub threshold: Criterion,
}

/// Whether the label is among the `k` most probable classes.
fn hits(row: &[f32], label: u32, k: usize) -> bool {
    let label = label as usize;
    let Some(own) = row.get(label) else { return false };
    let ahead = |(class, p): &(usize, &f32)| *p > own || *p == own && *class < label;
    row.iter().enumerate().filter(ahead).count() < k
}

impl MeasureConfig for TopKAccuracy {
    fn init(&self, _every: NonZeroUsize) -> Box<dyn Measure> {
        let k = self.k.get();
        let accuracy = move |interval: &Answered<'_>| {
            interval.mean(|row, label| f64::from(hits(row, label, k)))
        };
        Box::new(IntervalMeasure::new(&self.threshold, Direction::Lower, accuracy))
    }

    fn criterion(&self) -> Option<(&Criterion, Direction)> {
        Some((&self.threshold, Direction::Lower))
    }
}

#[cfg(test)]
mod tests {
    use super::hits;

    /// Modyn's own example.
    #[test]
    fn a_third_is_among_two() {
        let rows = [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.3, 0.2]];
        let found: Vec<bool> = (0..3).map(|i| hits(&rows[i as usize], i, 2)).collect();
        assert_eq!(found, [false, true, false]);
        // of equals the first.
        assert!(hits(&[0.3, 0.4, 0.3], 0, 2) && !hits(&[0.3, 0.4, 0.3], 2, 2));
        assert!(!hits(&[1.0], 1, 5));
    }
}
