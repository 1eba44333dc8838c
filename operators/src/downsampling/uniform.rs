use rand::seq::index;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Budget, Chosen, DownsamplingConfig, Given, Needs};

pub(super) const EXAMPLE: &str = "";

/// Every subset of that size is as likely: what all other choices are compared with.
///
/// Needs nothing of the model; each round is another choice. Weights are 1.
///
/// ```
/// use driftmill_operators::downsampling::*;
/// let budget = Budget { size: 3, seed: 1, round: 0 };
/// let chosen = choose(&Uniform {}, &Given::of(10), budget).unwrap();
/// assert_eq!(chosen.len(), 3);
/// assert_eq!(choose(&Uniform {}, &Given::of(10), budget).unwrap(), chosen);
/// assert_ne!(choose(&Uniform {}, &Given::of(10), Budget { round: 1, ..budget }).unwrap(), chosen);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uniform {}

impl DownsamplingConfig for Uniform {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn choose(&self, given: &Given, budget: Budget) -> Vec<Chosen> {
        let chosen = index::sample(&mut budget.random(), given.samples, budget.size);
        chosen.into_iter().map(Chosen::plain).collect()
    }
}
