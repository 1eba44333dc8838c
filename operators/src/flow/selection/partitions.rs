//! The state of a selection policy for each partition of a worker.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::flow::queue::Queue;
use crate::selection::{
    Chosen, Proposal, Selection, SelectionCheckpoint, SelectionCheckpoints, SelectionConfig,
};
use crate::{Change, Id, Position};

/// A worker's partitions, one for each partition that it has seen changes of.
pub(super) struct Partitions {
    selection: Arc<dyn SelectionConfig>,
    start: SelectionCheckpoints,
    partitions: BTreeMap<u32, PartitionState>,
    changes: Queue,
    /// The decision that partitions have proposed for and whose choice they must know to continue.
    awaited: Option<u64>,
}

struct PartitionState {
    selection: Box<dyn Selection>,
    /// Changes before were observed.
    at: Position,
    /// Decisions that it proposed for before it was stopped, and that it does not know of, with what
    /// was chosen if it has to know.
    past: VecDeque<(u64, Position, Option<PartitionChoice>)>,
    /// Changes observed since its state was saved, and how long that state was.
    unsaved: (usize, usize),
    /// The decision at which it was saved.
    saved: Option<u64>,
}

/// A state that remembers choices is saved at least once in this number of decisions, though its partition
/// be idle: what was chosen for more need not be choice_of again.
const DECISIONS: u64 = 64;

/// The part of a choice that is reported to one partition: its own ids, and the round.
#[derive(Clone, Default)]
struct PartitionChoice {
    ids: Vec<Id>,
    round: u64,
}

impl PartitionChoice {
    fn new(chosen: &Chosen, stream: u32) -> Self {
        let ids = chosen.ids.iter().filter(|id| id.stream() == stream).copied().collect();
        Self { ids, round: chosen.round }
    }
}

/// A state is saved when about this number of changes were observed for each kilobyte of it: what is large
/// is saved less often, and costs no more than what it saves.
const CHANGES_PER_KILOBYTE: usize = 16;

impl Partitions {
    pub(super) fn new(selection: Arc<dyn SelectionConfig>, start: SelectionCheckpoints) -> Self {
        let (partitions, changes) = (BTreeMap::new(), Queue::default());
        Self { selection, start, partitions, changes, awaited: None }
    }

    pub(super) fn push(&mut self, batch: std::rc::Rc<Vec<Change>>) {
        self.changes.push(batch);
    }

    /// Whether partitions wait to be choice_of what was chosen.
    pub(super) fn wait(&self) -> bool {
        self.awaited.is_some()
    }

    /// Tells partitions what was chosen for the decision that they proposed for last.
    pub(super) fn chosen(&mut self, chosen: &Chosen) {
        if self.awaited != Some(chosen.trigger) {
            return;
        }
        self.awaited = None;
        for (stream, partition) in &mut self.partitions {
            let PartitionChoice { ids, round } = PartitionChoice::new(chosen, *stream);
            partition.selection.chosen(&ids, round);
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
                let partition = self.partitions.entry(stream(&run[0]));
                let new = || PartitionState::new(&*self.selection, stream(&run[0]), &self.start);
                partition.or_insert_with(new).observe(run);
            }
            self.changes.pass(due);
        }
    }

    /// The proposal of all partitions for trigger `trigger`, which ends at `end`.
    pub(super) fn propose(&mut self, trigger: u64, end: Position) -> Proposal {
        self.observe_before(Some(end));
        // one that has seen nothing since the job was stopped may hold candidates from before.
        let idle: Vec<u32> = self.start.partitions.keys().copied().collect();
        for stream in idle {
            let new = || PartitionState::new(&*self.selection, stream, &self.start);
            self.partitions.entry(stream).or_insert_with(new);
        }
        let mut all = Proposal { trigger, ..Proposal::default() };
        let at_least = if self.selection.remembers() { DECISIONS } else { u64::MAX };
        for (stream, partition) in &mut self.partitions {
            partition.pass_decisions(None);
            let proposal = partition.selection.propose(trigger);
            partition.at = partition.at.max(end);
            all.add(proposal);
            let saved = partition.save(trigger, at_least).map(|checkpoint| (*stream, checkpoint));
            all.checkpoints.extend(saved);
        }
        // all partitions know by now what was chosen before.
        self.start.chosen.iter_mut().for_each(|chosen| chosen.ids = Vec::new());
        self.start.decisions.push((trigger, end));
        self.awaited = self.selection.remembers().then_some(trigger);
        all
    }
}

impl PartitionState {
    fn new(config: &dyn SelectionConfig, stream: u32, start: &SelectionCheckpoints) -> Self {
        let mut selection = config.init();
        let saved = start.partitions.get(&stream);
        let at = saved.map_or(Position::MIN, |saved| saved.at);
        if let Some(saved) = saved {
            selection.load(&saved.state).expect("a partition is kept with the pipeline it is of");
        }
        let after = saved.map(|saved| saved.trigger);
        let choice_of = |trigger| {
            let of = start.chosen.binary_search_by_key(&trigger, |chosen| chosen.trigger);
            let kept = of.is_ok() || saved.is_none();
            assert!(kept, "what was chosen is kept as long as a partition has to be choice_of");
            of.map_or_else(
                |_| PartitionChoice::default(),
                |at| PartitionChoice::new(&start.chosen[at], stream),
            )
        };
        let remembers = config.remembers();
        if let Some(trigger) = after.filter(|_| remembers) {
            // it was saved before it knew.
            let PartitionChoice { ids, round } = choice_of(trigger);
            selection.chosen(&ids, round);
        }
        let past = start.decisions.iter().filter(|(trigger, _)| Some(*trigger) > after);
        let past =
            past.map(|(trigger, end)| (*trigger, *end, remembers.then(|| choice_of(*trigger))));
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

    /// Makes and discards proposals for past decisions that end at or before `end`.
    fn pass_decisions(&mut self, end: Option<Position>) {
        let passed = |(_, at, _): &mut (u64, Position, _)| end.is_none_or(|end| *at <= end);
        while let Some((trigger, _, choice_of)) = self.past.pop_front_if(passed) {
            self.selection.propose(trigger);
            if let Some(PartitionChoice { ids, round }) = choice_of {
                self.selection.chosen(&ids, round);
            }
        }
    }

    /// The partition's state, if a checkpoint is due.
    fn save(&mut self, trigger: u64, at_least: u64) -> Option<SelectionCheckpoint> {
        let (observed, length) = self.unsaved;
        let recent = self.saved.is_none_or(|saved| trigger - saved < at_least);
        if observed * 1024 < length * CHANGES_PER_KILOBYTE && recent {
            return None;
        }
        self.saved = Some(trigger);
        let state = self.selection.save();
        self.unsaved = (0, state.len());
        Some(SelectionCheckpoint { trigger, at: self.at, state })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::selection::SelectionTable;
    use crate::{Position, Record};

    /// The decisions at which the state of a partition is saved that is idle after 5000 samples.
    fn saved(table: &str) -> Vec<u64> {
        let table: SelectionTable = toml::from_str(table).unwrap();
        let mut partitions = Partitions::new(Arc::new(table), SelectionCheckpoints::default());
        let at = |offset| Position::new(offset as i64, Id(offset));
        let record = |i| Record::new(at(i), 0, i as i64, Some(0));
        partitions.push(Rc::new((0..5000).map(record).map(Change::insert).collect()));
        let mut saved = Vec::new();
        for trigger in 0..200 {
            let proposal = partitions.propose(trigger, at(5000 + trigger));
            saved.extend(proposal.checkpoints.iter().map(|(_, checkpoint)| checkpoint.trigger));
            let chosen = Chosen { trigger, ..Chosen::default() };
            assert_eq!(partitions.wait(), partitions.selection.remembers());
            partitions.chosen(&chosen);
            assert!(!partitions.wait());
        }
        saved
    }

    #[test]
    fn what_was_chosen_need_not_be_kept_for_ever() {
        assert_eq!(saved("freshness = { unused_ratio = 0.5 }"), [0, 64, 128, 192]);
        assert_eq!(saved("random = {}"), [0]);
    }
}
