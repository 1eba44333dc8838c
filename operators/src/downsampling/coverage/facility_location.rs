//! Selection by the facility-location function.

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

/// Samples that all others resemble.
///
/// ```text
/// f(A) = Σᵢ max over s in A of Sᵢₛ,      Sᵢⱼ = ½ + ½ cos(gᵢ, gⱼ)
/// ```
///
/// Monotone and submodular; grown greedily it is at least 1 − 1/e of the best. Weights are 1.
/// Where everything is covered and no sample adds anything, as of many copies, any of the rest follow by
/// chance, by seed and round.
///
/// Memory is that of n·`neighbours` similarities, never of n². A sample that none of its neighbours
/// stands for counts as if its last neighbour did, whoever is chosen: until every sample has a
/// neighbour among the chosen, large crowds attract less than they would with `neighbours = "all"`;
/// from then on there is no difference. All pairs are compared once, O(n²·d) in time; `block` cuts
/// that to O(n·block·d), and chooses from each block its share.
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FacilityLocation {
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

impl DownsamplingConfig for FacilityLocation {
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
            let mut coverage = Coverage::of(&space, Similarity::Cosine, neighbours);
            let Budget { size, .. } = budget;
            let chosen = maximise(&mut coverage, self.greedy, Vec::new(), size, budget.random());
            chosen.into_iter().map(Chosen::plain).collect()
        })
    }
}
