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

/// Samples whose gradients, each as often as it stands for another, sum to about the sum of all.
///
/// ```text
/// f(A) = Σᵢ min over s in A of ‖gᵢ − gₛ‖      is made small,      wₛ = |{i: s is nearest to i}|
/// ```
///
/// f bounds by how much the weighted sum of gradients is off. A set is grown by how much f falls, from
/// what it would be if each sample were as far as the farthest two: facility location on distances.
/// Weights are the sizes of clusters and sum to n. Where no sample adds anything, as of many copies, any
/// of the rest follow at random, by seed and round. The authors choose from each class by itself, with
/// `balance = "proportional"`.
///
/// Memory is that of n·`neighbours` similarities, never of n². A sample that none of its neighbours
/// stands for counts as if its last neighbour did, whoever is chosen: until every sample has a
/// neighbour among the chosen, large crowds attract less than they would with `neighbours = "all"`;
/// from then on there is no difference. All pairs are compared once, O(n²·d) in time; `block` cuts
/// that to O(n·block·d), and chooses from each block its share.
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
    /// Of what vectors (default `gradients_with_embeddings`: by `gradients` alone two classes have only
    /// two directions, c classes at most c − 1 independent ones).
    #[serde(default)]
    pub on: On,
    /// How the set is grown (default `lazy`).
    #[serde(default)]
    pub greedy: Greedy,
    /// Whether each class is chosen from by itself (default `none`).
    #[serde(default)]
    pub balance: Balance,
    /// Candidates that are chosen from together, in their order (default: all of a class).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<NonZeroUsize>,
    /// Neighbours of a sample whose similarities are kept: a number, or `"all"` (default: four times
    /// as many as one chosen sample stands for, at least 64 and at most 512).
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
            let counts = coverage.stand_for(&space, Similarity::Distance, &chosen);
            let weighted = |(index, count)| Chosen { index, weight: count as f32 };
            chosen.into_iter().zip(counts).map(weighted).collect()
        })
    }
}
