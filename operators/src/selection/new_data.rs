use std::collections::VecDeque;
use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Candidate, Selection, SelectionConfig};
use crate::{Change, Id, Kind, Position};

pub(super) const EXAMPLE: &str = "limit = 10000";

/// The samples since the last trigger, those of `tail` triggers before it, or all; at most `limit`.
///
/// The limit is global: it holds for the whole training set, not for a worker's part of it.
///
/// ```
/// use driftmill_operators::{Change, Id, Record, position, selection::*};
/// let config = NewData { limit: Some(2.try_into().unwrap()), ..NewData::default() };
/// let mut shard = config.init();
/// for i in 0..5 {
///     let record = Record { position: position(0, Id(i)), key: 0, time: 0, label: Some(1) };
///     shard.observe(&Change::insert(record));
/// }
/// let chosen = config.combine(shard.propose(0));
/// assert_eq!(chosen.iter().map(|c| c.position).collect::<Vec<_>>(), [3, 4]);
/// assert!(shard.propose(1).is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewData {
    /// How many triggers back: a number, or `"all"` (default 0: since the last trigger).
    #[serde(default)]
    pub tail: Tail,
    /// Most samples in a training set (default: no limit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroUsize>,
    /// Which samples a limit keeps (default `last`).
    #[serde(default)]
    pub keep: Keep,
    /// Seed of `keep = "uniform"` (default 0).
    #[serde(default)]
    pub seed: u64,
}

/// How far back a training set reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "wanted a number of triggers, or \"all\"")]
pub enum Tail {
    /// The samples since the last trigger and of so many triggers before it.
    Triggers(u32),
    /// Everything.
    All(All),
}

/// The word `"all"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// Everything.
    All,
}

impl Default for Tail {
    fn default() -> Self {
        Self::Triggers(0)
    }
}

/// Which samples a limit keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The newest.
    #[default]
    Last,
    /// A uniform choice by chance.
    Uniform,
}

impl SelectionConfig for NewData {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(NewDataShard {
            config: self.clone(),
            held: VecDeque::new(),
            marks: VecDeque::new(),
        })
    }

    fn combine(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        keep(self.limit, self.keep, &mut candidates);
        candidates.sort_unstable_by_key(|candidate| candidate.position);
        candidates
    }
}

/// Cuts `candidates` down to the limit, without changing which of them a later cut would keep.
fn keep(limit: Option<NonZeroUsize>, keep: Keep, candidates: &mut Vec<Candidate>) {
    let Some(limit) = limit.map(NonZeroUsize::get).filter(|limit| *limit < candidates.len()) else {
        return;
    };
    match keep {
        Keep::Last => {
            candidates.select_nth_unstable_by(limit - 1, |a, b| b.position.cmp(&a.position));
        }
        Keep::Uniform => {
            candidates.select_nth_unstable_by_key(limit - 1, |c| (c.chance, c.position));
        }
    }
    candidates.truncate(limit);
}

#[derive(Serialize, Deserialize)]
struct NewDataShard {
    config: NewData,
    /// Labelled samples within reach, in the order of positions.
    held: VecDeque<(Position, u32)>,
    /// For each of the last triggers, the last position it covered in this shard.
    marks: VecDeque<Option<Position>>,
}

impl Selection for NewDataShard {
    fn observe(&mut self, change: &Change) {
        let record = &change.record;
        match (change.kind, record.label) {
            (Kind::Insert, Some(label)) => self.held.push_back((record.position, label)),
            (Kind::Insert, None) => {}
            (Kind::Retract, _) => self.forget(record.position),
            (Kind::Label, label) => {
                self.forget(record.position);
                if let Some(label) = label {
                    let at = self.held.partition_point(|(held, _)| *held < record.position);
                    self.held.insert(at, (record.position, label));
                }
            }
        }
        // the newest `limit` of this shard are enough for the newest `limit` of all.
        if let (Some(limit), Keep::Last) = (self.config.limit, self.config.keep) {
            while self.held.len() > limit.get() {
                self.held.pop_front();
            }
        }
    }

    fn propose(&mut self, trigger: u64) -> Vec<Candidate> {
        let seed = self.config.seed ^ trigger.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut candidates: Vec<Candidate> = self
            .held
            .iter()
            .map(|&(position, label)| {
                let chance = xxh3_64_with_seed(&(Id(position as u64).0).to_le_bytes(), seed);
                Candidate { position, label, weight: 1.0, chance }
            })
            .collect();
        keep(self.config.limit, self.config.keep, &mut candidates);
        self.pass_trigger();
        candidates
    }
}

impl NewDataShard {
    fn forget(&mut self, position: Position) {
        if let Ok(at) = self.held.binary_search_by_key(&position, |(held, _)| *held) {
            self.held.remove(at);
        }
    }

    /// Drops what no later trigger reaches.
    fn pass_trigger(&mut self) {
        let Tail::Triggers(tail) = self.config.tail else { return };
        self.marks.push_back(self.held.back().map(|(position, _)| *position));
        while self.marks.len() > tail as usize {
            let mark = self.marks.pop_front().flatten();
            let passed = self.held.partition_point(|(position, _)| Some(*position) <= mark);
            self.held.drain(..passed);
        }
    }
}
