//! CRAIG: coresets whose weighted gradients match the full gradient.

use crate::downsampling::math::coverage::{Coverage, coverage_policy};
use crate::downsampling::math::neighbours::Similarity;
use crate::downsampling::math::space::Space;

const SIMILARITY: Similarity = Similarity::Distance;

coverage_policy! {
    /// Samples whose gradients, weighted by the size of their clusters, sum to about the sum of all gradients.
    ///
    /// ```text
    /// f(A) = Σᵢ min over s in A of ‖gᵢ − gₛ‖      minimised,      wₛ = |{i: s is nearest to i}|
    /// ```
    ///
    /// f bounds the error of the weighted sum of gradients. The set grows by the decrease of f, starting
    /// from the value at which every sample has the largest distance of all pairs: facility location on
    /// distances. Weights are the sizes of the clusters and sum to n. If no remaining sample has a gain, for
    /// example because all are copies, the rest is random by seed and round. The authors choose from each
    /// class separately, with `balance = "proportional"`.
    ///
    /// Reference: B. Mirzasoleiman, J. Bilmes and J. Leskovec, *Coresets for Data-efficient Training of
    /// Machine Learning Models*, ICML 2020.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, downsampling::*};
    /// let gradients = Some(Matrix::new(2, vec![0., 0., 0., 1., 5., 5., 5., 6., 10., 0.]));
    /// let policy = Craig { on: On::Gradients, ..Craig::default() };
    /// let budget = Budget { size: 3, seed: 0, round: 0 };
    /// let mut chosen = choose(&policy, &SampleScores { gradients, ..SampleScores::of(5) }, budget).unwrap();
    /// chosen.sort_by_key(|chosen| chosen.index);
    /// let chosen: Vec<_> = chosen.iter().map(|chosen| (chosen.index, chosen.weight)).collect();
    /// assert_eq!(chosen, [(0, 2.0), (2, 2.0), (4, 1.0)]);
    /// ```
    Craig
}

/// The weight of a chosen sample is the size of its cluster.
fn weights(coverage: &Coverage, space: &Space, chosen: &[usize]) -> Vec<f32> {
    let sizes = coverage.represented(space, SIMILARITY, chosen);
    sizes.into_iter().map(|size| size as f32).collect()
}
