//! Selection by the log-determinant of similarities.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::downsampling::math::greedy::{Objective, choose_greedily};
use crate::downsampling::math::neighbours::Similarity;
use crate::downsampling::math::outer::dot;
use crate::downsampling::math::space::Space;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, Greedy, On, RequiredScores, SampleScores,
};

/// Samples whose directions are as independent as possible.
///
/// ```text
/// f(A) = ln det(S_A + δI),      Sᵢⱼ = ½ + ½ cos(gᵢ, gⱼ)
/// f(A ∪ x) − f(A) = ln(Sₓₓ + δ − sₓᵀ (S_A + δI)⁻¹ sₓ)
/// ```
///
/// f is the log-volume of the chosen directions; its maximum is the mode of a determinantal point
/// process. The function is submodular. Gains may be negative; the set still grows to its size. If the
/// chosen samples span everything, so that no sample has more than 2δ left, as with copies of chosen
/// samples, ties are broken at random by seed and round. Weights are 1.
///
/// Each sample keeps its row of a Cholesky factor for the chosen samples it was compared with: at most
/// n·size numbers of 64 bits and O(n·size·(size + d)) time, far less with `lazy`. `block` bounds both.
///
/// Reference: A. Kulesza and B. Taskar, *Determinantal Point Processes for Machine Learning*,
/// Foundations and Trends in Machine Learning 5 (2012); L. Chen, G. Zhang and E. Zhou, *Fast Greedy MAP
/// Inference for Determinantal Point Process to Improve Recommendation Diversity*, NeurIPS 2018.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let gradients = Some(Matrix::new(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, -1.0, 0.0]));
/// let policy = LogDeterminant { on: On::Gradients, ..LogDeterminant::default() };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let scores = SampleScores { gradients, ..SampleScores::of(4) };
/// let chosen = choose(&policy, &scores, budget).unwrap();
/// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [0, 3]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LogDeterminant {
    /// δ, the regularisation, which bounds gains from below; above 0 (default 0.001).
    pub delta: f64,
    /// The compared vectors (default `gradients_with_embeddings`; `gradients` alone have at most c − 1
    /// independent directions for c classes, so two opposite ones for two classes).
    pub on: On,
    /// The greedy algorithm (default `lazy`).
    pub greedy: Greedy,
    /// The division of the budget among classes (default `none`).
    pub balance: Balance,
    /// Number of consecutive candidates that are treated as one block (default: all of a class).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<NonZeroUsize>,
}

impl Default for LogDeterminant {
    fn default() -> Self {
        let (on, greedy, balance) = (On::default(), Greedy::default(), Balance::default());
        Self { delta: 0.001, on, greedy, balance, block: None }
    }
}

impl DownsamplingConfig for LogDeterminant {
    fn required_scores(&self) -> RequiredScores {
        self.balance.required_with(self.on.required_scores())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.greedy.check();
        if !(self.delta > 0.0 && self.delta.is_finite()) {
            problems.push(("delta", format!("{} is not above 0 and finite", self.delta)));
        }
        problems
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(self.block, scores, budget, |scores, budget| {
            let space = Space::of(self.on, scores);
            choose_greedily(Volume::of(&space, self.delta), self.greedy, budget)
        })
    }
}

struct Volume<'a> {
    space: &'a Space,
    delta: f64,
    /// The known part of each sample's row of the Cholesky factor.
    rows: Vec<Vec<f64>>,
    /// The remaining variance of each sample.
    left: Vec<f64>,
    /// The chosen samples, each with the root of its remaining variance at that time.
    chosen: Vec<(usize, f64)>,
}

impl<'a> Volume<'a> {
    fn of(space: &'a Space, delta: f64) -> Self {
        let left = vec![1.0 + delta; space.len()];
        Self { space, delta, rows: vec![Vec::new(); space.len()], left, chosen: Vec::new() }
    }
}

impl Objective for Volume<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn gain(&mut self, sample: usize) -> f64 {
        let mut row = std::mem::take(&mut self.rows[sample]);
        for (chosen, root) in &self.chosen[row.len()..] {
            let similarity = Similarity::Cosine.between(self.space, sample, *chosen);
            let known = dot(&row, &self.rows[*chosen][..row.len()]);
            let value = (f64::from(similarity) - known) / root;
            // never less than δ, except by rounding.
            self.left[sample] = (self.left[sample] - value * value).max(self.delta);
            row.push(value);
        }
        self.rows[sample] = row;
        self.left[sample].ln()
    }

    fn add(&mut self, sample: usize) {
        self.gain(sample);
        self.chosen.push((sample, self.left[sample].sqrt()));
    }

    /// A copy of a chosen sample has at most δ + δ/(1 + δ) left.
    fn random_ties_up_to(&self) -> f64 {
        (2.0 * self.delta).ln()
    }
}
