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
/// Memory holds n·`neighbours` similarities, never n². A sample without a chosen neighbour counts as if
/// its last neighbour were chosen. Until every sample has a chosen neighbour, large clusters therefore
/// attract less than with `neighbours = "all"`; from then on there is no difference. All pairs are
/// compared once, in O(n²·d) time. With `block` the time is O(n·block·d), and each block contributes its
/// share.
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
