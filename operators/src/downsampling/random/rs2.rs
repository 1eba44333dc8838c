//! Repeated sampling of random subsets.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::downsampling::{
    Budget, Chosen, DownsamplingConfig, RequiredScores, SampleScores, Uniform,
};

pub(in crate::downsampling) const EXAMPLE: &str = "replacement = false";

/// Repeated sampling of random subsets: another subset in each round.
///
/// With replacement, rounds are independent. Without replacement, the candidates are shuffled and split
/// into ⌊n/size⌋ subsets, one for each round. When all subsets are used, the candidates are shuffled
/// again. The remainder of the split is not used before the next shuffle. A subset has no repetitions.
/// Weights are 1.
///
/// The policy is designed for a choice in each epoch. Reference: P. Okanovic et al., *Repeated Random Sampling for
/// Minimizing the Time-to-Accuracy of Learning*, ICLR 2024 (arXiv 2023).
///
/// ```
/// use driftmill_operators::downsampling::*;
/// let subset = |round| -> Vec<usize> {
///     let budget = Budget { size: 5, seed: 1, round };
///     let chosen = choose(&Rs2 { replacement: false }, &SampleScores::of(10), budget).unwrap();
///     chosen.iter().map(|chosen| chosen.index).collect()
/// };
/// let mut both = [subset(0), subset(1)].concat();
/// both.sort();
/// assert_eq!(both, (0..10).collect::<Vec<_>>());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rs2 {
    /// Whether a sample may be chosen again before all others have been chosen.
    pub replacement: bool,
}

impl DownsamplingConfig for Rs2 {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores::default()
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        if self.replacement {
            return Uniform {}.choose(scores, budget);
        }
        let subsets = (scores.samples / budget.size) as u64;
        let (shuffle, subset) = (budget.round / subsets, (budget.round % subsets) as usize);
        let mut order: Vec<usize> = (0..scores.samples).collect();
        order.shuffle(&mut Budget { round: shuffle, ..budget }.random());
        let subset = &order[subset * budget.size..][..budget.size];
        subset.iter().copied().map(Chosen::plain).collect()
    }
}
