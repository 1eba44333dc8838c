//! Selection by the graph-cut function.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::downsampling::math::greedy::{Objective, choose_greedily};
use crate::downsampling::math::neighbours::Similarity;
use crate::downsampling::math::space::Space;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, Greedy, On, RequiredScores, SampleScores,
};

/// Samples that resemble many others, but not each other.
///
/// ```text
/// f(A) = λ Σᵢ Σ_{s∈A} Sᵢₛ − Σ_{s∈A} Σ_{t∈A} Sₛₜ,      Sᵢⱼ = ½ + ½ cos(gᵢ, gⱼ)
/// ```
///
/// The function is submodular, but monotone only for small sets or λ ≥ 2. Gains may be negative; the
/// set still grows to its size. Ties are broken at random, by seed and round. Weights are 1. No
/// similarities are stored: sums over all samples follow from the sum of directions, and others are
/// computed on demand, in at most O(n·size·d).
///
/// Reference: K. Wei, R. Iyer and J. Bilmes, *Submodularity in Data Subset Selection and Active
/// Learning*, ICML 2015; R. Iyer et al., *Submodular Combinatorial Information Measures with
/// Applications in Machine Learning*, ALT 2021.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let gradients = Some(Matrix::new(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, -1.0, 0.0, 0.1, 0.9]));
/// let (on, balance) = (On::Gradients, Balance::None);
/// let policy = GraphCut { on, balance, ..GraphCut::default() };
/// let budget = Budget { size: 3, seed: 0, round: 0 };
/// let scores = SampleScores { gradients, ..SampleScores::of(5) };
/// let mut chosen = choose(&policy, &scores, budget).unwrap();
/// chosen.sort_by_key(|chosen| chosen.index);
/// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [1, 3, 4]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GraphCut {
    /// λ, the weight of the similarity to all samples; above 0 (default 1).
    pub lambda: f64,
    /// The compared vectors (default `gradients_with_embeddings`; `gradients` alone have at most c − 1
    /// independent directions for c classes, so two opposite ones for two classes).
    pub on: On,
    /// The greedy algorithm (default `lazy`).
    pub greedy: Greedy,
    /// The division of the budget among classes (default `proportional`: without a
    /// division, the first choices all come from the largest cluster until the penalty for similar
    /// samples outweighs its size, so that with λ = 1 a small set may be of a single class).
    pub balance: Balance,
    /// Number of consecutive candidates that are treated as one block (default: all of a class).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<NonZeroUsize>,
}

impl Default for GraphCut {
    fn default() -> Self {
        Self {
            lambda: 1.0,
            on: On::default(),
            greedy: Greedy::default(),
            balance: Balance::proportional(),
            block: None,
        }
    }
}

impl DownsamplingConfig for GraphCut {
    fn required_scores(&self) -> RequiredScores {
        self.balance.required_with(self.on.required_scores())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.greedy.check();
        if !(self.lambda > 0.0 && self.lambda.is_finite()) {
            problems.push(("lambda", format!("{} is not above 0 and finite", self.lambda)));
        }
        problems
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(self.block, scores, budget, |scores, budget| {
            let space = Space::of(self.on, scores);
            choose_greedily(Cut::of(&space, self.lambda), self.greedy, budget)
        })
    }
}

struct Cut<'a> {
    space: &'a Space,
    /// The gain of each sample for an empty set.
    alone: Vec<f64>,
    /// Twice the sum of its similarities to the first `known` chosen samples.
    shared: Vec<f64>,
    known: Vec<usize>,
    chosen: Vec<usize>,
}

impl<'a> Cut<'a> {
    fn of(space: &'a Space, lambda: f64) -> Self {
        let sums = space.directions.products(&space.directions.sum());
        let count = sums.len();
        let alone = |sum: f64| lambda * 0.5 * (count as f64 + sum) - 1.0;
        Self {
            space,
            alone: sums.into_iter().map(alone).collect(),
            shared: vec![0.0; count],
            known: vec![0; count],
            chosen: Vec::new(),
        }
    }
}

impl Objective for Cut<'_> {
    fn len(&self) -> usize {
        self.alone.len()
    }

    fn gain(&mut self, sample: usize) -> f64 {
        for chosen in &self.chosen[self.known[sample]..] {
            let similarity = Similarity::Cosine.between(self.space, sample, *chosen);
            self.shared[sample] += 2.0 * f64::from(similarity);
        }
        self.known[sample] = self.chosen.len();
        self.alone[sample] - self.shared[sample]
    }

    fn add(&mut self, sample: usize) {
        self.chosen.push(sample);
    }

    /// Ties between copies are random for every gain.
    fn random_ties_up_to(&self) -> f64 {
        f64::INFINITY
    }
}
