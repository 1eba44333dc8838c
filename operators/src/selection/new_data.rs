//! Selection of new samples together with earlier ones.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use self::held::Held;
use self::reservoirs::ReservoirPartition;
use super::draw::{choose, in_order, rank, seed_of};
use super::{Candidate, Choice, Proposal, Selection, SelectionConfig, Tail};
use crate::snapshot::snapshot_field;
use crate::{Change, Id, Kind, Position};

mod held;
mod reservoirs;

pub(super) const EXAMPLE: &str = "limit = 10000";

/// The samples since the last trigger, those of `tail` triggers before it, or all; at most `limit`.
///
/// The limit is global: it holds for the whole training set, not for a worker's part of it.
///
/// Only labelled samples are trained on. A sample is new when it enters, and again when its label
/// becomes known or is corrected; it is gone when it is replaced, deleted, or its label taken back.
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
    /// How many triggers back: a number, or `"all"` (default 0: since the last trigger).
    pub tail: Tail,
    /// Most samples in a training set (default: no limit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroUsize>,
    /// Which samples a limit keeps (default `last`).
    pub keep: Keep,
    /// Seed of `keep = "uniform"` and `"reservoir"` (default 0).
    pub seed: u64,
}

/// Which samples a limit keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The newest.
    #[default]
    Last,
    /// A uniformly random choice, drawn again for each trigger: everything within the tail is held.
    Uniform,
    /// A uniformly random choice that persists: a sample is in it as long as no others push it out, so
    /// training sets change slowly. Of each trigger within the tail (of `tail = "all"`: altogether) a
    /// partition holds at most 2 · `limit`, however long the stream; what happens when samples are
    /// taken back is said under [`ClassMemory`](super::ClassMemory).
    Reservoir,
}

impl SelectionConfig for NewData {
    fn init(&self) -> Box<dyn Selection> {
        match self.keep {
            Keep::Last | Keep::Uniform => {
                Box::new(NewDataPartition { config: self.clone(), state: State::default() })
            }
            Keep::Reservoir => Box::new(ReservoirPartition::new(self.clone())),
        }
    }

    fn combine(&self, mut proposal: Proposal) -> Choice {
        let limit = self.limit.map_or(usize::MAX, NonZeroUsize::get);
        match self.keep {
            Keep::Last => {
                newest(limit, &mut proposal.candidates);
                in_order(proposal.candidates)
            }
            Keep::Uniform | Keep::Reservoir => choose(&proposal, limit),
        }
    }
}

/// Cuts `candidates` down to the newest.
fn newest(limit: usize, candidates: &mut Vec<Candidate>) {
    if limit < candidates.len() {
        candidates.select_nth_unstable_by(limit - 1, |a, b| b.position.cmp(&a.position));
        candidates.truncate(limit);
    }
}

struct NewDataPartition {
    config: NewData,
    state: State,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    held: Held,
    /// Whether samples may be taken back: then older ones take their places under a limit.
    keyed: bool,
}

snapshot_field!(NewDataPartition: state);

impl Selection for NewDataPartition {
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
        let limit = self.config.limit.map_or(usize::MAX, NonZeroUsize::get);
        let most = if self.config.keep == Keep::Last { limit } else { usize::MAX };
        let mut candidates: Vec<Candidate> = held.newest(most).map(candidate).collect();
        match self.config.keep {
            Keep::Last => newest(limit, &mut candidates),
            // what a later cut keeps is among them.
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
