//! Random selection without repetition across triggers.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::draw::{by_group, in_order, propose_groups, rank, seed_of};
use super::partition::Partition;
use super::pool::{Pool, Sample};
use super::size::target;
use super::{Choice, Proposal, Ratio, Selection, SelectionConfig};
use crate::{Change, Id};

pub(super) const EXAMPLE: &str = "samples = 100";

/// A random choice without repetition: in a round, every sample seen so far is chosen once.
///
/// ```text
/// size = min(⌊ratio · available⌋, samples)
/// ```
///
/// Each training set is a uniformly random choice of the samples that were not yet chosen in this round.
/// If they are too few, all of them are chosen, and a new round begins, which fills up the set. A sample
/// that enters during a round is chosen in it. A sample with a new label counts as a new sample.
///
/// Memory: position, event time, label and next round of each sample, 32 bytes. Partitions wait after
/// each proposal until they know the choice and its round.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let config = RandomNoReplacement { samples: 4.try_into().ok(), ..Default::default() };
/// let mut partition = config.init();
/// for i in 0..12 {
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
///     partition.observe(&Change::insert(record));
/// }
/// let mut taken: Vec<Id> = Vec::new();
/// for trigger in 0..3 {
///     let choice = config.combine(partition.propose(trigger));
///     let ids: Vec<Id> = choice.rows.iter().map(|row| row.id()).collect();
///     partition.chosen(&ids, choice.round);
///     taken.extend(ids);
/// }
/// taken.sort();
/// assert_eq!(taken, (0..12).map(Id).collect::<Vec<_>>());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RandomNoReplacement {
    /// The share of the samples seen so far that is chosen (default 1).
    pub ratio: Ratio,
    /// Maximum number of samples in a training set (default: no limit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<NonZeroUsize>,
    /// Seed of the random choice (default 0).
    pub seed: u64,
}

impl SelectionConfig for RandomNoReplacement {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(Partition::<_, State>::new(self))
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        let mut left = target(proposal.available, self.ratio, self.samples);
        let groups = by_group(&proposal);
        // there is nothing to choose from: no round ends.
        let mut round = groups.keys().next().copied().unwrap_or(0);
        let mut rows = Vec::new();
        // the groups are rounds: samples of this round are free, the others were already chosen in it.
        for (free_in, members) in groups {
            if left > 0 {
                round = free_in;
                members.take(left, &mut rows);
                left = left.saturating_sub(members.count);
            }
        }
        Choice { round, ..in_order(rows) }
    }

    fn remembers(&self) -> bool {
        true
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// The mark of each sample is the first round that may take it.
    pool: Pool,
    round: u32,
}

impl Selection for Partition<RandomNoReplacement, State> {
    fn observe(&mut self, change: &Change) {
        self.state.pool.observe(change, self.state.round);
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let State { pool, round } = &mut self.state;
        let (seed, now) = (seed_of(self.config.seed, trigger), *round);
        // samples that earlier rounds left are free in this one.
        let free_in = |sample: &Sample| u64::from(sample.mark.max(now));
        let rank = |sample: &Sample| rank(seed, sample.position);
        let most = self.config.samples.map_or(usize::MAX, NonZeroUsize::get);
        propose_groups(trigger, pool.settle(), |_| most, free_in, rank)
    }

    fn chosen(&mut self, ids: &[Id], round: u64) {
        let round = u32::try_from(round).unwrap_or(u32::MAX - 2);
        self.state.round = self.state.round.max(round);
        self.state.pool.mark(ids, self.state.round + 1);
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.state.pool.retained_samples(visit);
    }
}
