//! Selection by the facility-location function.

use crate::downsampling::math::coverage::{Coverage, coverage_policy};
use crate::downsampling::math::neighbours::Similarity;
use crate::downsampling::math::space::Space;

const SIMILARITY: Similarity = Similarity::Cosine;

coverage_policy! {
    /// Samples that represent all others: each sample is similar to a chosen one.
    ///
    /// ```text
    /// f(A) = Σᵢ max over s in A of Sᵢₛ,      Sᵢⱼ = ½ + ½ cos(gᵢ, gⱼ)
    /// ```
    ///
    /// The function is monotone and submodular; the greedy set reaches at least 1 − 1/e of the maximum.
    /// Weights are 1. If no remaining sample has a gain, for example because all are copies, the rest is
    /// random by seed and round.
    ///
    /// Reference: G. Cornuéjols, M. Fisher and G. Nemhauser, *Location of Bank Accounts to Optimize Float*,
    /// Management Science 23 (1977); K. Wei, R. Iyer and J. Bilmes, *Submodularity in Data Subset
    /// Selection and Active Learning*, ICML 2015.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, downsampling::*};
    /// let gradients = Some(Matrix::new(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, -1.0, 0.0, 0.1, 0.9]));
    /// let policy = FacilityLocation { on: On::Gradients, ..FacilityLocation::default() };
    /// let budget = Budget { size: 3, seed: 0, round: 0 };
    /// let given = SampleScores { gradients, ..SampleScores::of(5) };
    /// let mut chosen = choose(&policy, &given, budget).unwrap();
    /// chosen.sort_by_key(|chosen| chosen.index);
    /// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [0, 3, 4]);
    /// ```
    FacilityLocation
}

/// All weights are 1.
fn weights(_: &Coverage, _: &Space, chosen: &[usize]) -> Vec<f32> {
    vec![1.0; chosen.len()]
}
