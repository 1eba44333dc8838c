//! GRAD-MATCH: orthogonal matching pursuit on the mean gradient.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::downsampling::math::nonnegative::Matching;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, Gradient, On, RequiredScores, SampleScores,
};

pub(in crate::downsampling) const EXAMPLE: &str = "";

/// Few samples whose weighted gradients sum to about the mean gradient of all: orthogonal matching
/// pursuit.
///
/// ```text
/// min over w ≥ 0, at most `size` of them above 0, of  ‖ (1/n) Σᵢ gᵢ − Σᵢ wᵢ gᵢ ‖² + λ‖w‖²
/// ```
///
/// Sample after sample joins, that along whose gradient what is left of the mean is longest, of several
/// the first; each time the weights of all that joined are found again, and whose would be negative
/// leaves. Ends early, with fewer samples than asked for, where what is left is at most `tolerance` of
/// the mean's length, or no gradient lies along it. Where the mean gradient is 0 nothing is chosen.
///
/// Weights are n times those of the sum above. With λ = 0 the weighted gradients sum to about the sum of
/// all, with λ > 0 to a shorter one. What the weights themselves sum to says nothing, and is seldom n:
/// only their quotients count (see [`Chosen::weight`]).
///
/// Time is O(size·(n·w + size·w)) for gradients of w numbers, where an outer product has as many as both
/// factors multiplied; memory has one of these, and size² numbers.
///
/// Reference: K. Killamsetty et al., *GRAD-MATCH: Gradient Matching based Data Subset Selection for
/// Efficient Deep Model Training*, ICML 2021; weights without a sign as in A. Bruckstein, M. Elad and
/// M. Zibulevsky, *On the Uniqueness of Nonnegative Sparse Solutions to Underdetermined Systems of
/// Equations*, IEEE Transactions on Information Theory 54 (2008).
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let rows = vec![1., 0., 0., 0., 1., 0., 1., 1., 0., 0., 0., 2.];
/// let given = SampleScores { gradients: Some(Matrix::new(3, rows)), ..SampleScores::of(4) };
/// let balance = Balance::None;
/// let policy = GradMatch { gradient: Gradient::LastLayer, balance, ..GradMatch::default() };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let chosen = choose(&policy, &given, budget).unwrap();
/// let [first, second] = [chosen[0], chosen[1]];
/// assert_eq!((first.index, second.index), (2, 3));
/// assert!((first.weight - 4.0 / 3.0).abs() < 1e-6 && (second.weight - 4.0 / 5.0).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GradMatch {
    /// λ, which keeps weights small and so their number large; at least 0 (default 1).
    #[serde(default = "one")]
    pub lambda: f64,
    /// Part of the mean's length that may be left; at least 0 and below 1 (default .0001).
    #[serde(default = "small")]
    pub tolerance: f64,
    /// Of which gradient (default `last_layer_with_embedding`: by `last_layer` two classes have only two
    /// directions, c classes at most c − 1 independent ones, and as few samples match the mean).
    #[serde(default = "with_embedding")]
    pub gradient: Gradient,
    /// Whether each class is matched by itself, as the authors do (default `proportional`: of two classes
    /// the gradients point to opposite sides where embeddings are not negative, so that all that lies
    /// along the mean of both is of the larger class).
    #[serde(default = "Balance::proportional")]
    pub balance: Balance,
    /// Candidates that are matched together, in their order (default: all of a class).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<NonZeroUsize>,
}

fn with_embedding() -> Gradient {
    Gradient::LastLayerWithEmbedding
}

fn one() -> f64 {
    1.0
}

fn small() -> f64 {
    1e-4
}

impl Default for GradMatch {
    fn default() -> Self {
        let (gradient, balance) = (with_embedding(), Balance::proportional());
        Self { lambda: one(), tolerance: small(), gradient, balance, block: None }
    }
}

impl DownsamplingConfig for GradMatch {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores {
            labels: self.balance.needs_labels(),
            ..On::from(self.gradient).required_scores()
        }
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

    fn choose(&self, given: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(self.block, given, budget, |given, budget| {
            let vectors = On::from(self.gradient).vectors(given);
            let matched = Matching::of(&vectors, self.lambda).run(budget.size, self.tolerance);
            let all = given.samples as f64;
            let weighted = |(index, weight)| Chosen { index, weight: (weight * all) as f32 };
            matched.into_iter().map(weighted).filter(|chosen| chosen.weight > 0.0).collect()
        })
    }
}
