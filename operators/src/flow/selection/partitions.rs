//! The state of a selection policy for each partition of a worker.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::flow::queue::Queue;
use crate::selection::{
    Chosen, Proposal, Selection, SelectionCheckpoint, SelectionCheckpoints, SelectionConfig,
};
use crate::{Change, Id, Position};

/// The partitions of a worker: those of which it has seen changes.
pub(super) struct Partitions {
    selection: Arc<dyn SelectionConfig>,
    start: SelectionCheckpoints,
    partitions: BTreeMap<u32, PartitionState>,
    changes: Queue,
    /// The decision for which partitions have proposed and whose choice they must know to continue.
    awaited: Option<u64>,
}

struct PartitionState {
    selection: Box<dyn Selection>,
    /// The partition has observed the changes before this position.
    at: Position,
    /// Past decisions that are not part of the saved state. Each has its choice if the policy remembers
    /// choices.
    past: VecDeque<(u64, Position, Option<PartitionChoice>)>,
    /// Number of changes since the state was saved, and the length of the saved state.
    unsaved: (usize, usize),
    /// The decision at which the state was saved.
    saved: Option<u64>,
}

/// A state is saved at least once in this number of decisions, even if its partition is idle. Only later
/// decisions have to be recorded for a restart.
const DECISIONS: u64 = 1024;

/// The same for a state that remembers choices, which have to be recorded, too.
const CHOICES: u64 = 64;

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

/// A state is saved after about this number of changes for each kilobyte of its size. Large states are
/// saved less often, so that saving does not cost more than it gains.
const CHANGES_PER_KILOBYTE: usize = 16;

impl Partitions {
    pub(super) fn new(selection: Arc<dyn SelectionConfig>, start: SelectionCheckpoints) -> Self {
        let (partitions, changes) = (BTreeMap::new(), Queue::default());
        Self { selection, start, partitions, changes, awaited: None }
    }

    pub(super) fn push(&mut self, batch: std::rc::Rc<Vec<Change>>) {
        self.changes.push(batch);
    }

    /// Whether partitions wait for the choice of a decision.
    pub(super) fn wait(&self) -> bool {
        self.awaited.is_some()
    }

    /// Reports the choice for the decision for which partitions proposed last.
    pub(super) fn chosen(&mut self, chosen: &Chosen) {
        if self.awaited != Some(chosen.trigger) {
            return;
        }
        self.awaited = None;
        for (stream, partition) in &mut self.partitions {
            let PartitionChoice { ids, round } = PartitionChoice::new(chosen, *stream);
            partition.selection.chosen(&ids, round);
        }
        // a partition that is not seen yet had none of the chosen samples.
        self.start.chosen = vec![Chosen { ids: Vec::new(), ..*chosen }];
    }

    /// Shows all changes before `end`, or all changes if there is no end.
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
        // a partition without changes since the job was stopped may still hold candidates.
        let idle: Vec<u32> = self.start.partitions.keys().copied().collect();
        for stream in idle {
            let new = || PartitionState::new(&*self.selection, stream, &self.start);
            self.partitions.entry(stream).or_insert_with(new);
        }
        let mut all = Proposal { trigger, ..Proposal::default() };
        let at_least = if self.selection.remembers() { CHOICES } else { DECISIONS };
        for (stream, partition) in &mut self.partitions {
            partition.pass_decisions(None);
            let proposal = partition.selection.propose(trigger);
            partition.at = partition.at.max(end);
            all.add(proposal);
            let saved = partition.save(trigger, at_least).map(|checkpoint| (*stream, checkpoint));
            all.checkpoints.extend(saved);
        }
        // all partitions know the earlier decisions and choices by now. A partition that is seen later had no
        // samples for them, and the last one is enough for it.
        self.start.chosen.clear();
        self.start.decisions = vec![(trigger, end)];
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
            assert!(kept, "a choice is kept until every partition has seen it");
            of.map_or_else(
                |_| PartitionChoice::default(),
                |at| PartitionChoice::new(&start.chosen[at], stream),
            )
        };
        let remembers = config.remembers();
        if let Some(trigger) = after.filter(|_| remembers) {
            // the state was saved before it knew the choice.
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

    /// Those of the first `decisions` at which the state of a partition is saved that is idle after 5000
    /// samples. Only the last decision and the last choice are held in memory.
    fn saved(table: &str, decisions: u64) -> Vec<u64> {
        let table: SelectionTable = toml::from_str(table).unwrap();
        let mut partitions = Partitions::new(Arc::new(table), SelectionCheckpoints::default());
        let at = |offset| Position::new(offset as i64, Id(offset));
        let record = |i| Record::new(at(i), 0, i as i64, Some(0));
        partitions.push(Rc::new((0..5000).map(record).map(Change::insert).collect()));
        let mut saved = Vec::new();
        for trigger in 0..decisions {
            let proposal = partitions.propose(trigger, at(5000 + trigger));
            saved.extend(proposal.checkpoints.iter().map(|(_, checkpoint)| checkpoint.trigger));
            let chosen = Chosen { trigger, ..Chosen::default() };
            assert_eq!(partitions.wait(), partitions.selection.remembers());
            partitions.chosen(&chosen);
            assert!(!partitions.wait());
            assert_eq!(partitions.start.decisions.len(), 1);
            assert!(partitions.start.chosen.len() <= 1);
        }
        saved
    }

    #[test]
    fn a_restart_needs_a_limited_number_of_decisions() {
        assert_eq!(saved("freshness = { unused_ratio = 0.5 }", 200), [0, 64, 128, 192]);
        assert_eq!(saved("random = {}", 2100), [0, 1024, 2048]);
    }
}
