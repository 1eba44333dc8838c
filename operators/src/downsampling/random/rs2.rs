//! Repeated sampling of random subsets.

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::downsampling::{
    Budget, Chosen, DownsamplingConfig, RequiredScores, SampleScores, Uniform,
};

pub(in crate::downsampling) const EXAMPLE: &str = "replacement = false";

/// Repeated sampling of random subsets: another one in each round.
///
/// With replacement, rounds do not know of each other. Without, the candidates are shuffled and cut
/// into ⌊n/size⌋ subsets, one for each round; when they are used up it shuffles again. What is left
/// over by the cuts waits for another shuffle. Within a subset no sample is twice; weights are 1.
///
/// Is made for a choice in each epoch. Reference: P. Okanovic et al., *Repeated Random Sampling for
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
    /// Whether a sample may be chosen again before all others were.
    pub replacement: bool,
}

impl DownsamplingConfig for Rs2 {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores::default()
    }

    fn choose(&self, given: &SampleScores, budget: Budget) -> Vec<Chosen> {
        if self.replacement {
            return Uniform {}.choose(given, budget);
        }
        let subsets = (given.samples / budget.size) as u64;
        let (shuffle, subset) = (budget.round / subsets, (budget.round % subsets) as usize);
        let mut order: Vec<usize> = (0..given.samples).collect();
        order.shuffle(&mut Budget { round: shuffle, ..budget }.random());
        let subset = &order[subset * budget.size..][..budget.size];
        subset.iter().copied().map(Chosen::plain).collect()
    }
}
