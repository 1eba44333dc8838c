//! Selection of new samples together with earlier ones.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use self::held::Held;
use self::reservoirs::Reservoirs;
use super::draw::{choose, in_order, rank, seed_of};
use super::partition::Partition;
use super::{Candidate, Choice, Proposal, Selection, SelectionConfig, Tail};
use crate::{Change, Id, Kind, Position};

mod held;
mod reservoirs;

pub(super) const EXAMPLE: &str = "limit = 10000";

/// The samples since the last trigger, and those of `tail` triggers before it or all earlier ones; at most
/// `limit`.
///
/// The limit applies to the whole training set and not to each worker's part of it.
///
/// Only labelled samples are trained on. A sample is new when it enters, and again when its label becomes
/// known or is corrected. It leaves when it is replaced or deleted, or when its label is retracted.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let config = NewData { limit: Some(2.try_into().unwrap()), ..NewData::default() };
/// let mut partition = config.init();
/// for i in 0..5 {
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
///     partition.observe(&Change::insert(record));
/// }
/// let chosen = config.combine(partition.propose(0)).rows;
/// assert_eq!(chosen.iter().map(|c| c.position.id()).collect::<Vec<_>>(), [Id(3), Id(4)]);
/// assert_eq!(partition.propose(1).available, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NewData {
    /// Number of earlier triggers whose samples are candidates, or `"all"` (default 0: only samples since
    /// the last trigger).
    pub tail: Tail,
    /// Maximum number of samples in a training set (default: no limit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroUsize>,
    /// The samples that a limit keeps (default `last`).
    pub keep: Keep,
    /// Seed of `keep = "uniform"` and `"reservoir"` (default 0).
    pub seed: u64,
}

/// The samples that a limit keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The newest samples.
    #[default]
    Last,
    /// A uniformly random choice, drawn again for each trigger. All samples within the tail are held.
    Uniform,
    /// A uniformly random choice that persists. A sample stays in it until others displace it, so that
    /// training sets change slowly. For each trigger within the tail (with `tail = "all"`, for all triggers
    /// together) a partition holds at most 2 · `limit` samples, whatever the length of the stream.
    /// [`ClassMemory`](super::ClassMemory) describes the effect of retractions.
    Reservoir,
}

impl NewData {
    /// The largest number of samples in a training set.
    fn most(&self) -> usize {
        self.limit.map_or(usize::MAX, NonZeroUsize::get)
    }
}

impl SelectionConfig for NewData {
    fn init(&self) -> Box<dyn Selection> {
        match self.keep {
            Keep::Last | Keep::Uniform => Box::new(Partition::<_, State>::new(self)),
            Keep::Reservoir => Box::new(Partition::<_, Reservoirs>::new(self)),
        }
    }

    fn combine(&self, mut proposal: Proposal) -> Choice {
        let limit = self.most();
        match self.keep {
            Keep::Last => {
                newest(limit, &mut proposal.candidates);
                in_order(proposal.candidates)
            }
            Keep::Uniform | Keep::Reservoir => choose(&proposal, limit),
        }
    }
}

/// Reduces `candidates` to the newest.
fn newest(limit: usize, candidates: &mut Vec<Candidate>) {
    if limit < candidates.len() {
        candidates.select_nth_unstable_by(limit - 1, |a, b| b.position.cmp(&a.position));
        candidates.truncate(limit);
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    held: Held,
    /// Whether samples may be retracted. Older samples then replace them under a limit.
    keyed: bool,
}

impl Selection for Partition<NewData, State> {
    fn observe(&mut self, change: &Change) {
        let State { held, keyed } = &mut self.state;
        let record = &change.record;
        *keyed |= record.key != 0;
        match (change.kind, record.label) {
            (Kind::Insert, Some(label)) if change.at == record.position => {
                held.enter(record.position, label);
            }
            (Kind::Insert | Kind::Label, Some(label)) => held.enter_late(record.position, label),
            (Kind::Retract, _) | (Kind::Label, None) => held.leave(record.position),
            (Kind::Insert, None) | (Kind::Delete, _) => {}
        }
        // the newest `limit` of this partition are enough for the newest `limit` of all.
        if let (Some(limit), Keep::Last, false) = (self.config.limit, self.config.keep, *keyed) {
            held.trim(limit.get());
        }
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let seed = seed_of(self.config.seed, trigger);
        let candidate = |(position, label): (Position, u32)| Candidate {
            position,
            label,
            weight: 1.0,
            rank: rank(seed, position),
        };
        let held = &mut self.state.held;
        let limit = self.config.most();
        let most = if self.config.keep == Keep::Last { limit } else { usize::MAX };
        let mut candidates: Vec<Candidate> = held.newest(most).map(candidate).collect();
        match self.config.keep {
            Keep::Last => newest(limit, &mut candidates),
            // these include everything that the global limit keeps.
            Keep::Uniform | Keep::Reservoir if limit < candidates.len() => {
                candidates.select_nth_unstable_by_key(limit - 1, |c| (c.rank, c.position));
                candidates.truncate(limit);
            }
            Keep::Uniform | Keep::Reservoir => {}
        }
        let available = held.available();
        if let Tail::Triggers(tail) = self.config.tail {
            held.pass_trigger(tail as usize);
        }
        Proposal { trigger, available, candidates, ..Proposal::default() }
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        let held = self.state.held.newest(usize::MAX);
        held.for_each(|(position, _)| visit(position.id()));
    }
}
