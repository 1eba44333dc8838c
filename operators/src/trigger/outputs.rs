//! Values of single samples that follow from a model's class probabilities.

use super::labelled::Sample;
use crate::Matrix;

/// The minimum probability for logarithms: the resolution of 32-bit floats below 1.
const LEAST: f32 = f32::EPSILON;

/// The class with the largest probability; ties go to the first class.
pub(super) fn predicted(row: &[f32]) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    for (class, probability) in row.iter().enumerate() {
        if best.is_none_or(|(_, most)| *probability > most) {
            best = Some((class, *probability));
        }
    }
    best.map(|(class, _)| class as u32)
}

/// Whether the predicted class differs from the label.
pub(super) fn is_wrong(row: &[f32], label: u32) -> bool {
    predicted(row) != Some(label)
}

/// −ln p of the label's class.
pub(super) fn loss(row: &[f32], label: u32) -> f64 {
    // `max` ignores NaN.
    let probability = row.get(label as usize).map_or(LEAST, |p| p.max(LEAST));
    -f64::from(probability.min(1.0)).ln()
}

/// The largest probability.
pub(super) fn confidence(row: &[f32]) -> f64 {
    f64::from(row.iter().copied().fold(0.0, f32::max)).min(1.0)
}

/// The difference between the largest and the second largest probability.
pub(super) fn margin(row: &[f32]) -> f64 {
    let two = row.iter().fold([0.0f32; 2], |[first, second], p| {
        if *p > first { [*p, first] } else { [first, second.max(*p)] }
    });
    f64::from(two[0] - two[1]).clamp(0.0, 1.0)
}

/// The labels of samples, each with the model's output for it.
pub(super) fn labelled<'a>(
    samples: &'a [Sample],
    answer: &'a Matrix,
) -> impl Iterator<Item = (&'a [f32], u32)> {
    let rows = samples.iter().enumerate();
    rows.filter_map(|(place, sample)| sample.label.map(|label| (answer.row(place), label)))
}

/// The number of samples that are predicted wrongly.
pub(super) fn wrong(samples: &[Sample], answer: &Matrix) -> u64 {
    labelled(samples, answer).filter(|(row, label)| is_wrong(row, *label)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ln(p: f64) -> f64 {
        p.ln()
    }

    #[test]
    fn scores_agree_with_a_worked_row() {
        let row = [0.25, 0.5, 0.25];
        assert_eq!(predicted(&row), Some(1));
        assert_eq!(predicted(&[0.5, 0.5]), Some(0));
        assert_eq!((is_wrong(&row, 1), is_wrong(&row, 0)), (false, true));
        assert_eq!((margin(&row), confidence(&row)), (0.25, 0.5));
        assert_eq!(loss(&row, 1), -ln(0.5));
    }

    #[test]
    fn margins_are_those_of_the_softmax() {
        // for logits 2, 1, 0.
        let sum: f32 = [2.0f32, 1.0, 0.0].map(f32::exp).iter().sum();
        let row = [2.0f32, 1.0, 0.0].map(|logit| logit.exp() / sum);
        assert!((margin(&row) - 0.420512).abs() < 1e-6);
        assert!((loss(&row, 0) - 0.407606).abs() < 1e-6);
    }

    #[test]
    fn scores_of_invalid_rows_are_finite() {
        let bad = [f32::NAN, f32::INFINITY, -1.0];
        for row in [&bad[..], &[], &[0.0], &[f32::NAN]] {
            for label in 0..4 {
                let values = [loss(row, label), margin(row), confidence(row)];
                assert!(values.iter().all(|value| value.is_finite()), "{row:?}: {values:?}");
            }
        }
        assert_eq!(loss(&[1.0, 0.0], 7), -ln(f64::from(f32::EPSILON)));
    }
}
