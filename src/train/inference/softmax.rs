//! Probabilities and losses from the scores of classes.

/// The probabilities of the classes.
pub(in crate::train) fn softmax(scores: &[f32]) -> impl Iterator<Item = f32> {
    let norm = log_sum_exp(scores);
    scores.iter().map(move |score| (f64::from(*score) - norm).exp() as f32)
}

/// The loss of a sample of class `label`, in nats. Rounding may bring it below 0.
pub(in crate::train) fn cross_entropy(scores: &[f32], label: u32) -> f64 {
    log_sum_exp(scores) - f64::from(scores[label as usize])
}

/// ln of the sum of e to the power of each score, without overflow.
fn log_sum_exp(scores: &[f32]) -> f64 {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = scores.iter().map(|score| f64::from(score - largest).exp()).sum();
    f64::from(largest) + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_scores_do_not_overflow() {
        let scores = [1000.0, 1000.0];
        assert_eq!(softmax(&scores).collect::<Vec<_>>(), [0.5, 0.5]);
        assert_eq!(cross_entropy(&scores, 1) as f32, std::f32::consts::LN_2);
    }
}
