//! The F1 score.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Answered;
use super::interval::IntervalMeasure;
use crate::criterion::Criterion;
use crate::trigger::outputs::predicted;

pub(super) const EXAMPLE: &str = "threshold = 0.7";

/// The macro-averaged F1 score, from 0 to 1. Low values fire.
///
/// ```text
/// F1 of a class = 2 · hits / (samples of the class + predictions of the class)
/// ```
///
/// The score is the mean over the classes with a sample or a prediction, as in scikit-learn. Modyn counts
/// all other classes as 0, so that a short interval of many classes always has a low score.
///
/// Reference: C. J. van Rijsbergen, *Information Retrieval* (1979).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct F1 {
    /// The score at or below which the model is trained.
    pub threshold: Criterion,
}

/// The score of pairs of label and prediction.
fn macro_f1(pairs: impl Iterator<Item = (u32, Option<u32>)>) -> f64 {
    // hits, and samples plus predictions.
    let mut classes: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for (label, prediction) in pairs {
        classes.entry(label).or_default().1 += 1;
        if let Some(prediction) = prediction {
            let counts = classes.entry(prediction).or_default();
            counts.1 += 1;
            counts.0 += u64::from(prediction == label);
        }
    }
    let scores = classes.values().map(|(hits, all)| 2.0 * *hits as f64 / *all as f64);
    scores.sum::<f64>() / classes.len().max(1) as f64
}

impl IntervalMeasure for F1 {
    fn threshold(&self) -> &Criterion {
        &self.threshold
    }

    fn value(&self, interval: &Answered<'_>) -> f64 {
        macro_f1(interval.rows().map(|(row, label)| (label, predicted(row))))
    }
}

#[cfg(test)]
mod tests {
    use super::macro_f1;

    /// Modyn's own example, with four classes of which one never occurs. Modyn's result is 0.525 = 2.1 / 4.
    #[test]
    fn a_class_that_does_not_occur_does_not_count() {
        let labels = [0, 0, 1, 1, 2, 2, 2];
        let predictions = [0, 1, 1, 1, 2, 0, 2];
        let pairs = labels.into_iter().zip(predictions.map(Some));
        assert!((macro_f1(pairs) - 0.7).abs() < 1e-12);
        assert_eq!(macro_f1([].into_iter()), 0.0);
    }
}
