//! Uniform random selection.

use rand::seq::index;
use serde::{Deserialize, Serialize};

use crate::downsampling::{Budget, Chosen, DownsamplingConfig, RequiredScores, SampleScores};

/// A uniformly random subset: the baseline for all other policies.
///
/// It requires no scores. Each round is another choice. Weights are 1.
///
/// ```
/// use driftmill_operators::downsampling::*;
/// let budget = Budget { size: 3, seed: 1, round: 0 };
/// let chosen = choose(&Uniform {}, &SampleScores::of(10), budget).unwrap();
/// assert_eq!(chosen.len(), 3);
/// assert_eq!(choose(&Uniform {}, &SampleScores::of(10), budget).unwrap(), chosen);
/// assert_ne!(choose(&Uniform {}, &SampleScores::of(10), Budget { round: 1, ..budget }).unwrap(), chosen);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Uniform {}

impl DownsamplingConfig for Uniform {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores::default()
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        let chosen = index::sample(&mut budget.random(), scores.samples, budget.size);
        chosen.into_iter().map(Chosen::plain).collect()
    }
}
