//! GRAD-MATCH: orthogonal matching pursuit on the mean gradient.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::downsampling::math::nonnegative::Matching;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, Gradient, On, RequiredScores, SampleScores,
};

/// A small set whose weighted gradients approximate the mean gradient of all samples: orthogonal
/// matching pursuit.
///
/// ```text
/// min over w ≥ 0, at most `size` of them above 0, of  ‖ (1/n) Σᵢ gᵢ − Σᵢ wᵢ gᵢ ‖² + λ‖w‖²
/// ```
///
/// Each step adds the sample whose gradient has the largest product with the residual of the mean; ties
/// go to the first sample. Then all weights are fitted again, and samples with a negative weight are
/// removed. The algorithm ends early, with fewer samples than asked for, if the residual is at most
/// `tolerance` of the mean's length or if no gradient has a positive product with it. If the mean
/// gradient is 0, nothing is chosen.
///
/// Weights are n times those of the formula above. With λ = 0 the weighted gradients sum to about the
/// sum of all gradients, with λ > 0 to a shorter vector. The sum of the weights is rarely n and has no
/// meaning: only their ratios count (see [`Chosen::weight`]).
///
/// Time is O(size·(n·w + size·w)) for gradients of w numbers; an outer product has the product of both
/// widths. Memory is one such vector and size² numbers.
///
/// Reference: K. Killamsetty et al., *GRAD-MATCH: Gradient Matching based Data Subset Selection for
/// Efficient Deep Model Training*, ICML 2021; non-negative weights as in A. Bruckstein, M. Elad and
/// M. Zibulevsky, *On the Uniqueness of Nonnegative Sparse Solutions to Underdetermined Systems of
/// Equations*, IEEE Transactions on Information Theory 54 (2008).
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let rows = vec![1., 0., 0., 0., 1., 0., 1., 1., 0., 0., 0., 2.];
/// let scores = SampleScores { gradients: Some(Matrix::new(3, rows)), ..SampleScores::of(4) };
/// let balance = Balance::None;
/// let policy = GradMatch { gradient: Gradient::LastLayer, balance, ..GradMatch::default() };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let chosen = choose(&policy, &scores, budget).unwrap();
/// let [first, second] = [chosen[0], chosen[1]];
/// assert_eq!((first.index, second.index), (2, 3));
/// assert!((first.weight - 4.0 / 3.0).abs() < 1e-6 && (second.weight - 4.0 / 5.0).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GradMatch {
    /// λ, the regularisation: larger values give more and smaller weights; at least 0 (default 1).
    pub lambda: f64,
    /// The residual at which the algorithm ends, as a share of the mean's length; at least 0 and below 1
    /// (default 0.0001).
    pub tolerance: f64,
    /// The gradient (default `last_layer_with_embedding`; `last_layer` has at most c − 1 independent
    /// directions for c classes, so that very few samples already match the mean).
    pub gradient: Gradient,
    /// The division of the budget among classes, as in the paper (default `proportional`: gradients of
    /// two classes have opposite directions if embeddings are not negative, so that without a division
    /// only samples of the larger class match the mean).
    pub balance: Balance,
    /// Number of consecutive candidates that are treated as one block (default: all of a class).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<NonZeroUsize>,
}

impl Default for GradMatch {
    fn default() -> Self {
        let gradient = Gradient::LastLayerWithEmbedding;
        let balance = Balance::proportional();
        Self { lambda: 1.0, tolerance: 1e-4, gradient, balance, block: None }
    }
}

impl DownsamplingConfig for GradMatch {
    fn required_scores(&self) -> RequiredScores {
        self.balance.required_with(On::from(self.gradient).required_scores())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if !(self.lambda >= 0.0 && self.lambda.is_finite()) {
            problems.push(("lambda", format!("{} is not at least 0 and finite", self.lambda)));
        }
        if !(0.0..1.0).contains(&self.tolerance) {
            let problem = format!("{} is not at least 0 and below 1", self.tolerance);
            problems.push(("tolerance", problem));
        }
        problems
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(self.block, scores, budget, |scores, budget| {
            let vectors = On::from(self.gradient).vectors(scores);
            let matched = Matching::of(&vectors, self.lambda).run(budget.size, self.tolerance);
            let all = scores.samples as f64;
            let weighted = |(index, weight)| Chosen { index, weight: (weight * all) as f32 };
            matched.into_iter().map(weighted).filter(|chosen| chosen.weight > 0.0).collect()
        })
    }
}
