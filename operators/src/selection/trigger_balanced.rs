use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::balance::{balanced, most};
use super::draw::{propose_groups, rank, seed_of};
use super::pool::Sample;
use super::size::target;
use super::windowed::{Draw, Windowed};
use super::{Choice, Proposal, Ratio, Selection, SelectionConfig, Shares, Tail};

pub(super) const EXAMPLE: &str = "samples = 100";

/// A choice at random in which the samples of every trigger have their fair share: old times as well
/// as new ones, however many samples there were in each.
///
/// ```text
/// size = min(⌊ratio · available⌋, samples)
/// of each trigger: min(s, its samples), s the largest share with which they are not more than size
/// ```
///
/// A sample is of the first trigger that covered it with its label. Triggers with few samples give all
/// they have, and what they lack is shared among the others ([`fair_share`](super::fair_share));
/// within a trigger every choice is equally likely. `shares` is as in
/// [`LabelBalanced`](super::LabelBalanced).
///
/// Keeps of each sample within the tail its position, event time, label and trigger: 32 bytes.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let config = TriggerBalanced { samples: 20.try_into().ok(), ..TriggerBalanced::default() };
/// let mut partition = config.init();
/// for i in 0..1000 {
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
///     partition.observe(&Change::insert(record));
///     if i == 989 {
///         partition.propose(0);
///     }
/// }
/// // 990 samples and 10.
/// let rows = config.combine(partition.propose(1)).rows;
/// assert_eq!(rows.iter().filter(|row| row.id() < Id(990)).count(), 10);
/// assert_eq!(rows.len(), 20);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TriggerBalanced {
    /// How many triggers back: a number, or `"all"` (default: everything).
    #[serde(default = "Tail::all")]
    pub tail: Tail,
    /// The share of the samples within the tail that is chosen (default 1).
    #[serde(default)]
    pub ratio: Ratio,
    /// Most samples in a training set (default: no limit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<NonZeroUsize>,
    /// What is done with samples that cannot be shared equally (default `fair`).
    #[serde(default)]
    pub shares: Shares,
    /// Another seed makes another choice (default 0).
    #[serde(default)]
    pub seed: u64,
}

impl Default for TriggerBalanced {
    fn default() -> Self {
        let (tail, ratio, shares) = (Tail::all(), Ratio::ALL, Shares::Fair);
        Self { tail, ratio, samples: None, shares, seed: 0 }
    }
}

impl SelectionConfig for TriggerBalanced {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(Windowed::new(self.clone()))
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        let target = target(proposal.available, self.ratio, self.samples);
        balanced(&proposal, target, self.shares, seed_of(self.seed, proposal.trigger))
    }
}

impl Draw for TriggerBalanced {
    fn tail(&self) -> Tail {
        self.tail
    }

    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal {
        let seed = seed_of(self.seed, trigger);
        let most = |sizes: &[usize]| most(sizes, self.samples);
        let period = |sample: &Sample| u64::from(sample.mark);
        propose_groups(trigger, samples, most, period, |sample| rank(seed, sample.position))
    }
}
