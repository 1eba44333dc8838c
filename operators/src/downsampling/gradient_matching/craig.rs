//! CRAIG: coresets whose weighted gradients match the full gradient.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::downsampling::math::coverage::Coverage;
use crate::downsampling::math::greedy::maximise;
use crate::downsampling::math::neighbours::Similarity;
use crate::downsampling::math::space::Space;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, Greedy, Neighbours, On, RequiredScores,
    SampleScores,
};

pub(in crate::downsampling) const EXAMPLE: &str = "";

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
/// Memory holds n·`neighbours` similarities, never n². A sample without a chosen neighbour counts as if
/// its last neighbour were chosen. Until every sample has a chosen neighbour, large clusters therefore
/// attract less than with `neighbours = "all"`; from then on there is no difference. All pairs are
/// compared once, in O(n²·d) time. With `block` the time is O(n·block·d), and each block contributes its
/// share.
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Craig {
    /// The compared vectors (default `gradients_with_embeddings`; `gradients` alone have at most c − 1
    /// independent directions for c classes, so two opposite ones for two classes).
    #[serde(default)]
    pub on: On,
    /// The greedy algorithm (default `lazy`).
    #[serde(default)]
    pub greedy: Greedy,
    /// The division of the budget among classes (default `none`).
    #[serde(default)]
    pub balance: Balance,
    /// Number of consecutive candidates that are treated as one block (default: all of a class).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<NonZeroUsize>,
    /// Number of neighbours of a sample whose similarities are kept, or `"all"` (default: four times the
    /// number of samples per chosen sample, at least 64 and at most 512).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Neighbours>,
}

impl DownsamplingConfig for Craig {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores { labels: self.balance.needs_labels(), ..self.on.required_scores() }
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        self.greedy.check()
    }

    fn choose(&self, given: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(self.block, given, budget, |given, budget| {
            let space = Space::of(self.on, given);
            let neighbours = Neighbours::count(self.neighbours, given.samples, budget.size);
            let mut coverage = Coverage::of(&space, Similarity::Distance, neighbours);
            let Budget { size, .. } = budget;
            let chosen = maximise(&mut coverage, self.greedy, Vec::new(), size, budget.random());
            let counts = coverage.represented(&space, Similarity::Distance, &chosen);
            let weighted = |(index, count)| Chosen { index, weight: count as f32 };
            chosen.into_iter().zip(counts).map(weighted).collect()
        })
    }
}
