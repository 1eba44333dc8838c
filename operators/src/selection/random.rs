//! Uniform random selection.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::draw::{choose, propose, rank, seed_of};
use super::pool::Sample;
use super::size::target;
use super::windowed::Draw;
use super::{Choice, Proposal, Ratio, Tail};

pub(super) const EXAMPLE: &str = "ratio = 0.5";

/// A uniformly random choice of the samples within the tail, drawn again for each trigger.
///
/// Every set of the wanted size has the same probability. Sets of different triggers are independent:
///
/// ```text
/// size = min(⌊ratio · available⌋, samples)      the samples of the smallest hash(seed, trigger, id)
/// ```
///
/// Memory: position, event time and label of each sample within the tail, 32 bytes.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let config = Random { samples: 3.try_into().ok(), ..Random::default() };
/// let mut partition = config.init();
/// for i in 0..100 {
///     let record = Record::new(Position::new(i, Id(i as u64)), 0, i, Some(1));
///     partition.observe(&Change::insert(record));
/// }
/// let [first, second] = [0, 1].map(|trigger| config.combine(partition.propose(trigger)).rows);
/// assert_eq!((first.len(), second.len()), (3, 3));
/// assert_ne!(first, second);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Random {
    /// Number of earlier triggers whose samples are candidates, or `"all"` (default: all).
    pub tail: Tail,
    /// The share of the samples within the tail that is chosen (default 1).
    pub ratio: Ratio,
    /// Maximum number of samples in a training set (default: no limit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<NonZeroUsize>,
    /// Seed of the random choice (default 0).
    pub seed: u64,
}

impl Default for Random {
    fn default() -> Self {
        Self { tail: Tail::all(), ratio: Ratio::ALL, samples: None, seed: 0 }
    }
}

impl Draw for Random {
    fn tail(&self) -> Tail {
        self.tail
    }

    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal {
        let seed = seed_of(self.seed, trigger);
        let most = self.samples.map(NonZeroUsize::get);
        propose(trigger, samples, most, |sample| rank(seed, sample.position))
    }

    fn choose(&self, proposal: Proposal) -> Choice {
        choose(&proposal, target(proposal.available, self.ratio, self.samples))
    }
}
