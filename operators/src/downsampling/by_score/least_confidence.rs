//! Uncertainty sampling by the highest probability.

use crate::downsampling::math::ranking::{two_highest, uncertainty_sampling};

uncertainty_sampling! {
    /// Uncertainty sampling: the samples whose most probable class has the lowest probability.
    ///
    /// ```text
    /// score = 1 − max p
    /// ```
    ///
    /// The samples with the highest scores are chosen, with weight 1. Ties go to the first sample. A
    /// single column holds the probability of one of two classes.
    ///
    /// Reference: D. D. Lewis and W. A. Gale, *A Sequential Algorithm for Training Text Classifiers*,
    /// SIGIR 1994.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, downsampling::*};
    /// let probabilities = Some(Matrix::new(3, vec![0.9, 0.1, 0.0, 0.4, 0.3, 0.3, 0.5, 0.49, 0.01]));
    /// let budget = Budget { size: 1, seed: 0, round: 0 };
    /// let chosen = choose(&LeastConfidence::default(), &SampleScores { probabilities, ..SampleScores::of(3) }, budget).unwrap();
    /// assert_eq!(chosen, [Chosen { index: 1, weight: 1.0 }]);
    /// ```
    LeastConfidence
}

fn score(row: &[f32]) -> f32 {
    1.0 - two_highest(row)[0]
}
