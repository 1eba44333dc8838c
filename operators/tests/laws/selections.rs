//! Laws of every selection for all sequences of changes, and the sizes of its choices.

use std::collections::{BTreeMap, BTreeSet};

use driftmill_operators::selection::{
    Choice, Exemplars, Proposal, Selection, SelectionConfig, SelectionTable, Shares, Tail,
    fair_share,
};
use driftmill_operators::{Change, Id, Kind, Position, Record};
use proptest::prelude::*;

use crate::host::{select, selections};

/// A step of a stream: a change of a sample, or a trigger.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Change(u8, u64, u32),
    Trigger,
}

pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let change = (0u8..8, 0u64..200, 0u32..4)
        .prop_map(|(what, which, label)| Event::Change(what, which, label));
    prop::collection::vec(prop_oneof![12 => change, 1 => Just(Event::Trigger)], 0..300)
}

/// The current samples with their labels, and the changes that lead to them.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) records: Vec<Record>,
    there: BTreeMap<Position, Option<u32>>,
    now: i64,
}

impl World {
    /// Changes a sample. Three in four samples enter, every eighth of them without a label. Others are
    /// relabelled, lose their label, or are deleted.
    pub(crate) fn change(&mut self, what: u8, which: u64, label: u32) -> Option<Change> {
        self.now += 1;
        let id = Id::new(0, (which % 3) as u16, self.now as u64);
        let at = Position::new(self.now, id);
        if what < 5 {
            let label = (what > 0).then_some(label);
            let record = Record::new(at, 1 + self.now as u128, self.now, label);
            self.records.push(record);
            self.there.insert(at, label);
            return Some(Change::insert(record));
        }
        let place = self.records.len().checked_sub(1 + which as usize)?;
        let known = *self.there.get(&self.records[place].position)?;
        let record = self.records[place];
        if what == 5 {
            self.there.remove(&record.position);
            let record = Record { label: known, ..record };
            return Some(Change { kind: Kind::Retract, at, record, before: None });
        }
        let label = (what == 6).then_some(label);
        if label == known {
            return None;
        }
        self.there.insert(record.position, label);
        Some(Change { kind: Kind::Label, at, record: Record { label, ..record }, before: known })
    }

    fn labelled(&self) -> BTreeMap<Position, u32> {
        let there = self.there.iter();
        there.filter_map(|(position, label)| Some((*position, (*label)?))).collect()
    }
}

/// A policy, with one state for each partition or one state for all.
pub(crate) struct Host<'a> {
    config: &'a dyn SelectionConfig,
    partitions: Vec<Box<dyn Selection>>,
    triggers: u64,
}

impl<'a> Host<'a> {
    pub(crate) fn new(config: &'a dyn SelectionConfig, partitions: usize) -> Self {
        Self { config, partitions: (0..partitions).map(|_| config.init()).collect(), triggers: 0 }
    }

    fn partition(&self, id: Id) -> usize {
        usize::from(id.partition()) % self.partitions.len()
    }

    pub(crate) fn observe(&mut self, change: &Change) {
        let partition = self.partition(change.record.id());
        self.partitions[partition].observe(change);
    }

    pub(crate) fn trigger(&mut self) -> (Choice, u64) {
        let trigger = self.triggers;
        self.triggers += 1;
        let proposals: Vec<_> = self.partitions.iter_mut().map(|s| s.propose(trigger)).collect();
        let together = |proposals: &mut dyn Iterator<Item = &Proposal>| {
            let mut all = Proposal::default();
            proposals.for_each(|proposal| all.add(proposal.clone()));
            (all.available, self.config.combine(all))
        };
        let (available, choice) = together(&mut proposals.iter());
        assert_eq!(choice, together(&mut proposals.iter().rev()).1);
        let ids: Vec<Id> = choice.rows.iter().map(|row| row.id()).collect();
        for partition in 0..self.partitions.len() {
            let own: Vec<Id> =
                ids.iter().filter(|id| self.partition(**id) == partition).copied().collect();
            if self.config.remembers() {
                self.partitions[partition].chosen(&own, choice.round);
            }
        }
        (choice, available)
    }

    /// Stops, and resumes from the saved state.
    fn restart(&mut self) {
        for partition in &mut self.partitions {
            let saved = partition.save();
            *partition = self.config.init();
            partition.load(&saved).unwrap();
        }
    }
}

/// The training sets of these events, by trigger.
fn play(table: &SelectionTable, events: &[Event], partitions: usize, stop: usize) -> Vec<Choice> {
    let (mut world, mut host, mut made) =
        (World::default(), Host::new(table, partitions), Vec::new());
    for (number, event) in events.iter().enumerate() {
        if number == stop {
            host.restart();
        }
        match *event {
            Event::Change(what, which, label) => {
                world.change(what, which, label).iter().for_each(|change| host.observe(change));
            }
            Event::Trigger => {
                let (choice, available) = host.trigger();
                check(table, &choice, available, &world.labelled());
                made.push(choice);
            }
        }
    }
    made
}

fn counts(keys: impl Iterator<Item = u32>) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

/// Checks that each chosen sample exists, is labelled, occurs once and in order, and that their number is
/// right.
fn check(table: &SelectionTable, choice: &Choice, available: u64, there: &BTreeMap<Position, u32>) {
    let rows = &choice.rows;
    assert!(rows.windows(2).all(|pair| pair[0].position < pair[1].position), "{table:?}");
    for row in rows {
        assert_eq!(there.get(&row.position), Some(&row.label), "{table:?}");
        assert_eq!(row.weight, 1.0);
    }
    let all = there.len();
    let size = |ratio: f64, most: Option<std::num::NonZeroUsize>| {
        let share = (available as f64 * ratio + 1e-9) as usize;
        most.map_or(share, |most| share.min(most.get()))
    };
    match table {
        SelectionTable::all(_) => assert_eq!(rows.len(), all),
        SelectionTable::new_data(new) => {
            assert!(new.limit.is_none_or(|limit| rows.len() <= limit.get()));
        }
        SelectionTable::random(random) => {
            assert_eq!(rows.len(), size(random.ratio.get(), random.samples));
        }
        SelectionTable::random_no_replacement(rounds) => {
            assert_eq!(available, all as u64);
            assert_eq!(rows.len(), size(rounds.ratio.get(), rounds.samples));
        }
        SelectionTable::time_decayed(decayed) => {
            assert_eq!(rows.len(), size(decayed.ratio.get(), decayed.samples));
        }
        SelectionTable::label_balanced(balanced) => {
            let target = size(balanced.ratio.get(), balanced.samples);
            let given = counts(rows.iter().map(|row| row.label));
            shared(&given, rows.len(), target, balanced.shares);
            if balanced.tail == (Tail::All(driftmill_operators::selection::Everything::All)) {
                let sizes = counts(there.values().copied());
                let sizes: Vec<usize> = sizes.into_values().collect();
                let share = fair_share(target, &sizes);
                let fair: usize = sizes.iter().map(|size| share.min(*size)).sum();
                let full = balanced.shares == Shares::Full;
                assert_eq!(rows.len(), if full { target } else { fair });
            }
        }
        SelectionTable::trigger_balanced(balanced) => {
            let target = size(balanced.ratio.get(), balanced.samples);
            assert!(rows.len() <= target);
            assert!(balanced.shares != Shares::Full || rows.len() == target);
        }
        SelectionTable::freshness(fresh) => {
            assert!(fresh.limit.is_none_or(|limit| rows.len() <= limit.get()));
        }
        SelectionTable::class_memory(memory) => {
            assert!(rows.len() as u64 <= available);
            assert!(memory.keep == Exemplars::Herding || choice.memory.is_none());
            return;
        }
    }
    assert_eq!(choice.memory, None);
}

/// No class has more than one sample more than another class that could give more.
fn shared(given: &BTreeMap<u32, usize>, rows: usize, target: usize, shares: Shares) {
    let (least, most) = (given.values().min(), given.values().max());
    match shares {
        Shares::Fair => assert!(rows <= target),
        Shares::Full => assert_eq!(rows, target),
        Shares::Equal => assert_eq!(least, most),
    }
}

/// A partition that proposes from trigger `first` on, has its first sample after trigger 9, and its choices
/// for the triggers after that.
fn late(table: &SelectionTable, first: u64) -> Vec<Choice> {
    let (mut world, mut partition) = (World::default(), table.init());
    for trigger in first..10 {
        partition.propose(trigger);
        if table.remembers() {
            partition.chosen(&[], 3);
        }
    }
    let mut made = Vec::new();
    for trigger in 10..20 {
        for i in 0..12 {
            let change = world.change([4, 4, 4, 4, 5, 6][i % 6], i as u64 * 7, i as u32 % 3);
            change.iter().for_each(|change| partition.observe(change));
        }
        made.push(select(table, &mut *partition, trigger));
    }
    made
}

#[test]
fn a_late_partition_proposes_only_for_the_last_trigger_before() {
    for text in selections() {
        let table: SelectionTable = toml::from_str(&text).unwrap();
        let all = late(&table, 0);
        assert!(all.iter().any(|choice| !choice.rows.is_empty()), "{text}");
        for first in [1, 5, 9] {
            assert_eq!(late(&table, first), all, "{text} from {first} on");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn choices_contain_only_existing_samples(events in events(), stop in 0usize..300) {
        for text in selections() {
            let table: SelectionTable = toml::from_str(&text).unwrap();
            let many = play(&table, &events, 3, usize::MAX);
            prop_assert_eq!(&many, &play(&table, &events, 3, stop), "{} restarted", text);
            // a reservoir that lost most of its samples is as large as the partition allows.
            let lossy = text.contains("reservoir") || text.contains("class_memory");
            if !lossy {
                prop_assert_eq!(&many, &play(&table, &events, 1, usize::MAX), "{} in one", text);
            }
        }
    }

    #[test]
    fn no_sample_is_chosen_again_before_all_others(
        grow in prop::collection::vec(0u64..6, 1..40), samples in 1usize..9,
    ) {
        let text = format!("random_no_replacement = {{ samples = {samples} }}");
        let table: SelectionTable = toml::from_str(&text).unwrap();
        let mut host = Host::new(&table, 3);
        let (mut world, mut taken, mut round) = (World::default(), BTreeSet::new(), 0);
        for more in grow {
            for i in 0..more {
                host.observe(&world.change(4, i, 1).unwrap());
            }
            let choice = host.trigger().0;
            let ids: BTreeSet<Id> = choice.rows.iter().map(|row| row.id()).collect();
            let all: BTreeSet<Id> = world.records.iter().map(Record::id).collect();
            if choice.round > round {
                // the rest of one round, the whole round, and the first samples of the next round.
                prop_assert!(all.difference(&taken).all(|left| ids.contains(left)));
                prop_assert_eq!(choice.round, round + 1);
                round = choice.round;
                taken = ids;
            } else {
                prop_assert!(taken.is_disjoint(&ids));
                taken.extend(ids);
            }
        }
    }
}
