//! Uncertainty sampling by entropy.

use crate::downsampling::math::ranking::uncertainty_sampling;

uncertainty_sampling! {
    /// Uncertainty sampling: the samples whose predicted distribution has the highest entropy.
    ///
    /// ```text
    /// score = −Σ p ln p
    /// ```
    ///
    /// The samples with the highest scores are chosen, with weight 1. Ties go to the first sample. A
    /// single column holds the probability of one of two classes.
    ///
    /// Reference: I. Dagan and S. P. Engelson, *Committee-Based Sampling For Training Probabilistic
    /// Classifiers*, ICML 1995.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, downsampling::*};
    /// let probabilities = Some(Matrix::new(3, vec![0.9, 0.1, 0.0, 0.4, 0.3, 0.3, 0.5, 0.49, 0.01]));
    /// let budget = Budget { size: 1, seed: 0, round: 0 };
    /// let chosen = choose(&Entropy::default(), &SampleScores { probabilities, ..SampleScores::of(3) }, budget).unwrap();
    /// assert_eq!(chosen, [Chosen { index: 1, weight: 1.0 }]);
    /// ```
    Entropy
}

fn score(row: &[f32]) -> f32 {
    // 0 · ln 0 is 0.
    let of = |p: f32| if p > 0.0 { -f64::from(p) * f64::from(p).ln() } else { 0.0 };
    let all = match row {
        [only] => of(*only) + of(1.0 - only),
        all => all.iter().map(|p| of(*p)).sum(),
    };
    all as f32
}
