use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::queue::Queue;
use crate::selection::{Chosen, Proposal, Selection, SelectionConfig};
use crate::{Change, Id, Position};

/// Where the shards of a selection policy stand: one for each partition, so that any number of
/// workers can go on with them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standings {
    /// By partition ([`Id::stream`](crate::Id::stream)), for the partitions of one worker.
    pub shards: BTreeMap<u32, ShardStanding>,
    /// Numbers and ends of the decisions made so far, in order.
    pub decided: Vec<(u64, Position)>,
    /// What was chosen for them, in order, where the policy
    /// [remembers](SelectionConfig::remembers) it: from the oldest of the shards' triggers on, that
    /// one included. Of a partition without a shard nothing was chosen for decisions that are not here.
    pub chosen: Vec<Chosen>,
}

/// Where a shard stands: right after its proposal for a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardStanding {
    /// The trigger.
    pub trigger: u64,
    /// It has observed its changes before this position.
    pub at: Position,
    /// Its state.
    pub state: Vec<u8>,
}

/// A worker's shards, one for each partition that it has seen changes of.
pub(super) struct Shards {
    selection: Arc<dyn SelectionConfig>,
    start: Standings,
    shards: BTreeMap<u32, Shard>,
    changes: Queue,
    /// The decision that shards have proposed for and whose choice they must know to go on.
    untold: Option<u64>,
}

struct Shard {
    selection: Box<dyn Selection>,
    /// Changes before were observed.
    at: Position,
    /// Decisions that it proposed for before it was stopped, and that it does not know of, with what
    /// was chosen if it has to know.
    past: VecDeque<(u64, Position, Option<Told>)>,
    /// Changes observed since its state was saved, and how long that state was.
    unsaved: (usize, usize),
    /// The decision at which it was saved.
    saved: Option<u64>,
}

/// A state that remembers choices is saved at least once in so many decisions, though its partition
/// be idle: what was chosen for more need not be told again.
const DECISIONS: u64 = 64;

/// What one shard is told of a choice: its own ids, and the round.
#[derive(Clone, Default)]
struct Told {
    ids: Vec<Id>,
    round: u64,
}

impl Told {
    fn new(chosen: &Chosen, stream: u32) -> Self {
        let ids = chosen.ids.iter().filter(|id| id.stream() == stream).copied().collect();
        Self { ids, round: chosen.round }
    }
}

/// A state is saved when about so many changes were observed for each kilobyte of it: what is large
/// is saved less often, and costs no more than what it saves.
const CHANGES_PER_KILOBYTE: usize = 16;

impl Shards {
    pub(super) fn new(selection: Arc<dyn SelectionConfig>, start: Standings) -> Self {
        let (shards, changes) = (BTreeMap::new(), Queue::default());
        Self { selection, start, shards, changes, untold: None }
    }

    pub(super) fn push(&mut self, batch: std::rc::Rc<Vec<Change>>) {
        self.changes.push(batch);
    }

    /// Whether shards wait to be told what was chosen.
    pub(super) fn wait(&self) -> bool {
        self.untold.is_some()
    }

    /// Tells shards what was chosen for the decision that they proposed for last.
    pub(super) fn chosen(&mut self, chosen: &Chosen) {
        if self.untold != Some(chosen.trigger) {
            return;
        }
        self.untold = None;
        for (stream, shard) in &mut self.shards {
            let Told { ids, round } = Told::new(chosen, *stream);
            shard.selection.chosen(&ids, round);
        }
        // a partition that is not seen yet had none of the chosen.
        self.start.chosen.push(Chosen { ids: Vec::new(), ..*chosen });
    }

    /// Shows all changes before `end`; all there are if there is no end.
    pub(super) fn observe_before(&mut self, end: Option<Position>) {
        loop {
            let rest = self.changes.rest();
            let due = end.map_or(rest.len(), |end| rest.partition_point(|change| change.at < end));
            if due == 0 {
                return;
            }
            let stream = |change: &Change| change.record.id().stream();
            for run in rest[..due].chunk_by(|a, b| stream(a) == stream(b)) {
                let shard = self.shards.entry(stream(&run[0]));
                let new = || Shard::new(&*self.selection, stream(&run[0]), &self.start);
                shard.or_insert_with(new).observe(run);
            }
            self.changes.pass(due);
        }
    }

    /// What all shards propose for trigger `trigger`, which ends at `end`.
    pub(super) fn propose(&mut self, trigger: u64, end: Position) -> Proposal {
        self.observe_before(Some(end));
        // one that has seen nothing since the job was stopped may hold candidates from before.
        let idle: Vec<u32> = self.start.shards.keys().copied().collect();
        for stream in idle {
            let new = || Shard::new(&*self.selection, stream, &self.start);
            self.shards.entry(stream).or_insert_with(new);
        }
        let mut all = Proposal { trigger, ..Proposal::default() };
        let at_least = if self.selection.remembers() { DECISIONS } else { u64::MAX };
        for (stream, shard) in &mut self.shards {
            shard.pass_decisions(None);
            let proposal = shard.selection.propose(trigger);
            shard.at = shard.at.max(end);
            all.add(proposal);
            let saved = shard.save(trigger, at_least).map(|standing| (*stream, standing));
            all.shards.extend(saved);
        }
        // all shards know by now what was chosen before.
        self.start.chosen.iter_mut().for_each(|chosen| chosen.ids = Vec::new());
        self.start.decided.push((trigger, end));
        self.untold = self.selection.remembers().then_some(trigger);
        all
    }
}

impl Shard {
    fn new(config: &dyn SelectionConfig, stream: u32, start: &Standings) -> Self {
        let mut selection = config.init();
        let saved = start.shards.get(&stream);
        let at = saved.map_or(Position::MIN, |saved| saved.at);
        if let Some(saved) = saved {
            selection.load(&saved.state).expect("a shard is kept with the pipeline it is of");
        }
        let after = saved.map(|saved| saved.trigger);
        let told = |trigger| {
            let of = start.chosen.binary_search_by_key(&trigger, |chosen| chosen.trigger);
            let kept = of.is_ok() || saved.is_none();
            assert!(kept, "what was chosen is kept as long as a shard has to be told");
            of.map_or_else(|_| Told::default(), |at| Told::new(&start.chosen[at], stream))
        };
        let remembers = config.remembers();
        if let Some(trigger) = after.filter(|_| remembers) {
            // it was saved before it knew.
            let Told { ids, round } = told(trigger);
            selection.chosen(&ids, round);
        }
        let past = start.decided.iter().filter(|(trigger, _)| Some(*trigger) > after);
        let past = past.map(|(trigger, end)| (*trigger, *end, remembers.then(|| told(*trigger))));
        let length = saved.map_or(0, |saved| saved.state.len());
        Self { selection, at, past: past.collect(), unsaved: (0, length), saved: after }
    }

    fn observe(&mut self, changes: &[Change]) {
        let mut rest = &changes[changes.partition_point(|change| change.at < self.at)..];
        while let Some(first) = rest.first() {
            self.pass_decisions(Some(first.at));
            let end = self.past.front().map(|(_, end, _)| *end);
            let due = end.map_or(rest.len(), |end| rest.partition_point(|change| change.at < end));
            self.selection.observe_all(&rest[..due]);
            self.unsaved.0 += due;
            rest = &rest[due..];
        }
    }

    /// Proposes, for nobody, for decisions of the past that end at or before `end`.
    fn pass_decisions(&mut self, end: Option<Position>) {
        let passed = |(_, at, _): &mut (u64, Position, _)| end.is_none_or(|end| *at <= end);
        while let Some((trigger, _, told)) = self.past.pop_front_if(passed) {
            self.selection.propose(trigger);
            if let Some(Told { ids, round }) = told {
                self.selection.chosen(&ids, round);
            }
        }
    }

    /// The shard's state, when it is time to keep it: at least once in so many decisions.
    fn save(&mut self, trigger: u64, at_least: u64) -> Option<ShardStanding> {
        let (observed, length) = self.unsaved;
        let recent = self.saved.is_none_or(|saved| trigger - saved < at_least);
        if observed * 1024 < length * CHANGES_PER_KILOBYTE && recent {
            return None;
        }
        self.saved = Some(trigger);
        let state = self.selection.save();
        self.unsaved = (0, state.len());
        Some(ShardStanding { trigger, at: self.at, state })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::selection::SelectionTable;
    use crate::{Record, position};

    /// The decisions at which the state of a partition is saved that is idle after 5000 samples.
    fn saved(table: &str) -> Vec<u64> {
        let table: SelectionTable = toml::from_str(table).unwrap();
        let mut shards = Shards::new(Arc::new(table), Standings::default());
        let at = |offset| position(offset as i64, Id(offset));
        let record = |i| Record { position: at(i), key: 0, time: i as i64, label: Some(0) };
        shards.push(Rc::new((0..5000).map(record).map(Change::insert).collect()));
        let mut saved = Vec::new();
        for trigger in 0..200 {
            let proposal = shards.propose(trigger, at(5000 + trigger));
            saved.extend(proposal.shards.iter().map(|(_, standing)| standing.trigger));
            let chosen = Chosen { trigger, ..Chosen::default() };
            assert_eq!(shards.wait(), shards.selection.remembers());
            shards.chosen(&chosen);
            assert!(!shards.wait());
        }
        saved
    }

    #[test]
    fn what_was_chosen_need_not_be_kept_for_ever() {
        assert_eq!(saved("freshness = { unused_ratio = 0.5 }"), [0, 64, 128, 192]);
        assert_eq!(saved("random = {}"), [0]);
    }
}
