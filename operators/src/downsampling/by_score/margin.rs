//! Uncertainty sampling by the margin of the two highest probabilities.

use crate::downsampling::math::ranking::{two_highest, uncertainty_sampling};

uncertainty_sampling! {
    /// Uncertainty sampling: the samples with the smallest margin between the two most probable classes.
    ///
    /// ```text
    /// score = −(p₁ − p₂),      p₁ ≥ p₂ the two highest probabilities
    /// ```
    ///
    /// The samples with the highest scores are chosen, with weight 1. Ties go to the first sample. A
    /// single column holds the probability of one of two classes.
    ///
    /// Reference: T. Scheffer, C. Decomain and S. Wrobel, *Active Hidden Markov Models for Information
    /// Extraction*, IDA 2001.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, downsampling::*};
    /// let probabilities = Some(Matrix::new(3, vec![0.9, 0.1, 0.0, 0.4, 0.3, 0.3, 0.5, 0.49, 0.01]));
    /// let budget = Budget { size: 1, seed: 0, round: 0 };
    /// let chosen = choose(&Margin::default(), &SampleScores { probabilities, ..SampleScores::of(3) }, budget).unwrap();
    /// assert_eq!(chosen, [Chosen { index: 2, weight: 1.0 }]);
    /// ```
    Margin
}

fn score(row: &[f32]) -> f32 {
    let [first, second] = two_highest(row);
    second - first
}
