use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::balance::{balanced, most};
use super::draw::{propose_groups, rank, seed_of};
use super::pool::Sample;
use super::size::target;
use super::windowed::{Draw, Windowed};
use super::{Choice, Proposal, Ratio, Selection, SelectionConfig, Shares, Tail};

pub(super) const EXAMPLE: &str = "samples = 100";

/// A choice at random in which every class has its fair share.
///
/// ```text
/// size = min(⌊ratio · available⌋, samples)
/// of each class: min(s, its samples), s the largest share with which they are not more than size
/// ```
///
/// Small classes give all they have, and what they lack is shared among the others
/// ([`fair_share`](super::fair_share)); within a class every choice is equally likely. Shares differ
/// by nothing (`shares = "fair"`, up to a sample per class below the size), by one sample
/// (`"full"`, exactly the size), or are those of the smallest class (`"equal"`).
///
/// Keeps of each sample within the tail its position, event time and label: 32 bytes.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let config = LabelBalanced { samples: 30.try_into().ok(), ..LabelBalanced::default() };
/// let mut partition = config.init();
/// for i in 0..100 {
///     // 5 samples of class 0, 95 of class 1.
///     let label = Some(u32::from(i >= 5));
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, label);
///     partition.observe(&Change::insert(record));
/// }
/// let rows = config.combine(partition.propose(0)).rows;
/// assert_eq!(rows.iter().filter(|row| row.label == 0).count(), 5);
/// assert_eq!(rows.len(), 30);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LabelBalanced {
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

impl Default for LabelBalanced {
    fn default() -> Self {
        let (tail, ratio, shares) = (Tail::all(), Ratio::ALL, Shares::Fair);
        Self { tail, ratio, samples: None, shares, seed: 0 }
    }
}

impl SelectionConfig for LabelBalanced {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(Windowed::new(self.clone()))
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        let target = target(proposal.available, self.ratio, self.samples);
        balanced(&proposal, target, self.shares, seed_of(self.seed, proposal.trigger))
    }
}

impl Draw for LabelBalanced {
    fn tail(&self) -> Tail {
        self.tail
    }

    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal {
        let seed = seed_of(self.seed, trigger);
        let most = |sizes: &[usize]| most(sizes, self.samples);
        let class = |sample: &Sample| u64::from(sample.label);
        propose_groups(trigger, samples, most, class, |sample| rank(seed, sample.position))
    }
}
