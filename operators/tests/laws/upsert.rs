//! Keyed samples and their labels: policies observe the changes of the model, for all batches and
//! numbers of workers.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, mpsc};

use driftmill_operators::flow::{
    Decide, HostedTrigger, ModelQuery, Order, OrderAll, Ordered, Select, SelectionCheckpoints,
    Train, UnmatchedLabels, Upsert, immediate,
};
use driftmill_operators::selection::{SelectionTable, TrainingSet};
use driftmill_operators::trigger::{OnDelete, TriggerTable};
use driftmill_operators::{Change, Id, Kind, Position, Record, Span};
use parking_lot::Mutex;
use proptest::prelude::*;
use timely::dataflow::operators::{ConnectLoop, Feedback, Input, Inspect};

use crate::determinism::training;
use crate::keyed::{Model, follows};

/// A message: its kind, its key, its delay after the previous message, its class.
type Message = (Kind, u8, i64, Option<u32>);

/// The changes of one partition.
pub(crate) type Partition = Vec<Change>;

#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) wait: i64,
    pub(crate) workers: usize,
    pub(crate) batch: usize,
}

fn message() -> impl Strategy<Value = Message> {
    let kind = prop_oneof![6 => Just(Kind::Insert), 2 => Just(Kind::Delete)];
    let late = prop_oneof![8 => 0i64..4, 1 => -30i64..0, 1 => 4i64..40];
    (kind, 0u8..12, late, prop::option::weighted(0.4, 0u32..4))
}

fn label() -> impl Strategy<Value = Message> {
    let late = prop_oneof![8 => 0i64..4, 1 => -30i64..0, 1 => 4i64..40];
    (Just(Kind::Label), 0u8..12, late, prop::option::weighted(0.9, 0u32..4))
}

/// Up to three partitions of samples, then up to two of labels.
pub(crate) fn streams() -> impl Strategy<Value = Vec<Partition>> {
    let samples = prop::collection::vec(prop::collection::vec(message(), 0..40), 1..4);
    let labels = prop::collection::vec(prop::collection::vec(label(), 0..40), 0..3);
    (samples, labels).prop_map(|(samples, labels)| {
        let of = |topic: u8, messages: Vec<Vec<Message>>| {
            let numbered = messages.into_iter().enumerate();
            numbered
                .map(move |(number, messages)| partition(topic, number as u16, &messages))
                .collect::<Vec<_>>()
        };
        [of(0, samples), of(1, labels)].concat()
    })
}

/// Assigns positions to messages, like a source that tolerates no disorder.
fn partition(topic: u8, number: u16, messages: &[Message]) -> Partition {
    let (mut now, mut highest) = (0, i64::MIN);
    let place = |(offset, (kind, key, later, label)): (usize, &Message)| {
        now += later.max(&0);
        let time = if *kind == Kind::Delete { highest } else { now + later.min(&0) };
        highest = highest.max(time);
        let position = Position::new(highest, Id::new(topic, number, offset as u64));
        let label = label.filter(|_| *kind != Kind::Delete);
        // hashes use all bits.
        let key = u128::from(*key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        Change::new(*kind, Record::new(position, key, time, label))
    };
    messages.iter().enumerate().map(place).collect()
}

/// Builds a dataflow on every worker and feeds it this worker's partitions, in batches. `build` sees the
/// ordered changes of samples and the labels without a sample.
pub(crate) fn feed<B>(partitions: &[Partition], setting: &Setting, build: B)
where
    B: for<'scope> Fn(Ordered<'scope>, UnmatchedLabels<'scope>) + Send + Sync + 'static,
{
    let (partitions, batch) = (partitions.to_vec(), setting.batch);
    let wait = Span::from_millis(setting.wait);
    timely::execute(timely::Config::process(setting.workers), move |worker| {
        let (index, peers) = (worker.index(), worker.peers());
        let mut input = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let (ordered, unmatched) = changes.order().upsert(wait);
            build(ordered, unmatched);
            input
        });
        let numbered = partitions.iter().enumerate().filter(|(n, _)| n % peers == index);
        let mut mine: Vec<_> = numbered.map(|(_, changes)| changes.as_slice()).collect();
        loop {
            mine.retain(|left| !left.is_empty());
            // a batch has the time of the least position that may still arrive.
            let Some(least) = mine.iter().map(|left| left[0].at).min() else { break };
            input.advance_to(least.max(*input.time()));
            for left in &mut mine {
                let (now, rest) = left.split_at(batch.min(left.len()));
                now.iter().for_each(|change| input.send(*change));
                *left = rest;
            }
            worker.step();
        }
    })
    .unwrap();
}

/// A sender for each worker.
pub(crate) fn channel<T>() -> (Arc<Mutex<Sender<T>>>, Receiver<T>) {
    let (send, receive) = mpsc::channel();
    (Arc::new(Mutex::new(send)), receive)
}

/// The changes that policies observe, in order, and the unmatched labels. Checks that each worker
/// observes all changes of a sample.
fn upserted(partitions: &[Partition], setting: &Setting) -> Model {
    let ((all, seen), (send_unmatched, unmatched)) = (channel(), channel());
    let (by_partition, of_partitions) = channel::<(usize, Change)>();
    feed(partitions, setting, move |changes, unmatched| {
        let index = changes.scope().worker().index();
        let (all, send_unmatched, by_partition) =
            (all.lock().clone(), send_unmatched.lock().clone(), by_partition.lock().clone());
        unmatched.inspect(move |found| send_unmatched.send(*found).unwrap());
        changes
            .inspect_core(move |event| {
                batch_of(event)
                    .iter()
                    .for_each(|change| by_partition.send((index, *change)).unwrap());
            })
            .order_all()
            .inspect_core(move |event| {
                batch_of(event).iter().for_each(|change| all.send(*change).unwrap());
            });
    });
    let mut at: BTreeMap<usize, Vec<Change>> = BTreeMap::new();
    of_partitions.iter().for_each(|(index, change)| at.entry(index).or_default().push(change));
    at.values().for_each(|changes| assert_whole(changes));
    let mut unmatched: Vec<Change> = unmatched.iter().collect();
    unmatched.sort_by_key(|label| (label.at, label.record.position));
    Model { changes: seen.iter().collect(), unmatched }
}

/// The changes of an event; none for an event that only moves the frontier.
fn batch_of<S>(event: Result<(&S, &Rc<Vec<Change>>), &[Position]>) -> Rc<Vec<Change>> {
    event.map(|(_, batch)| Rc::clone(batch)).unwrap_or_default()
}

/// Checks that one worker's changes are in order and that each is about a current sample.
fn assert_whole(changes: &[Change]) {
    assert!(changes.is_sorted_by_key(Change::order), "{changes:?}");
    let mut there: BTreeMap<Position, Option<u32>> = BTreeMap::new();
    for change in changes {
        let label = there.remove(&change.record.position);
        match change.kind {
            Kind::Insert => assert_eq!(label, None, "{change:?}"),
            Kind::Retract => assert_eq!(label, Some(change.record.label), "{change:?}"),
            Kind::Label => assert_eq!(label, Some(change.before), "{change:?}"),
            Kind::Delete => assert_eq!(label, None, "{change:?}"),
        }
        if !matches!(change.kind, Kind::Retract | Kind::Delete) {
            there.insert(change.record.position, change.record.label);
        }
    }
}

/// The training sets of a pipeline over keyed samples.
pub(crate) fn training_sets(
    partitions: &[Partition],
    setting: &Setting,
    trigger: &TriggerTable,
    selection: &SelectionTable,
    on_delete: OnDelete,
) -> Vec<TrainingSet> {
    let (send, sets) = channel::<TrainingSet>();
    let (trigger, selection) = (trigger.clone(), selection.clone());
    feed(partitions, setting, move |ordered, _unmatched| {
        let send = send.lock().clone();
        let (handle, back) = ordered.scope().feedback(1);
        let trigger = on_delete.around(trigger.init());
        let decisions = ordered.clone().order_all().decide(back, |_wake| HostedTrigger {
            trigger,
            checkpoint: None,
            service: immediate(|asked: ModelQuery| crate::host::answer(&asked.question, 40)),
            on_checkpoint: |_| {},
            checkpoint_interval: u64::MAX,
            on_evaluation: drop,
        });
        ordered
            .select(decisions, Arc::new(selection.clone()), SelectionCheckpoints::default())
            .train(move |_wake| training(move |request| send.send(request.set).unwrap()))
            .connect_loop(handle);
    });
    sets.iter().collect()
}

const TRIGGERS: [&str; 3] = [
    "amount.every = 5",
    "time.every = \"9ms\"",
    "drift = { every = 8, on = \"features\", windows.amount = { reference = 20, current = 8 }, \
     metrics.ks = { threshold = 0.4 } }",
];

/// All samples. `NEWEST` keeps the newest ones.
const ALL: &str = "new_data = { tail = \"all\" }";
const NEWEST: &str = "new_data = { tail = \"all\", limit = 4 }";

fn selections() -> Vec<String> {
    let mut all = crate::host::selections();
    // these occur more often than others, because their exact choices are known.
    all.extend([ALL, NEWEST, "all = {}"].iter().flat_map(|text| vec![(*text).to_owned(); 4]));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn policies_observe_the_changes_of_the_model(
        partitions in streams(),
        wait in prop_oneof![Just(0i64), 1i64..60],
        workers in prop::sample::select(vec![1usize, 2, 3, 4]),
        batch in 1usize..20,
    ) {
        let expected = follows(&partitions.concat(), wait);
        let found = upserted(&partitions, &Setting { wait, workers, batch });
        prop_assert_eq!(&found.changes, &expected.changes);
        prop_assert_eq!(&found.unmatched, &expected.unmatched);
    }

    #[test]
    fn keyed_training_sets_are_those_of_the_newest_samples(
        partitions in streams(),
        wait in prop_oneof![Just(0i64), 1i64..60],
        trigger in prop::sample::select(TRIGGERS.to_vec()),
        selection in prop::sample::select(selections()),
        workers in 2usize..5,
        batch in 1usize..20,
    ) {
        let trigger: TriggerTable = toml::from_str(trigger).unwrap();
        let table: SelectionTable = toml::from_str(&selection).unwrap();
        let sets = |setting: &Setting| {
            training_sets(&partitions, setting, &trigger, &table, OnDelete::Keep)
        };
        let one = Setting { wait, workers: 1, batch: 1000 };
        let expected = sets(&one);
        let found = sets(&Setting { wait, workers, batch });
        prop_assert_eq!(&expected, &found);
        let model = follows(&partitions.concat(), wait);
        for set in &expected {
            let there = labelled_before(&model.changes, set.decision.end());
            let chosen = set.rows.iter().map(|row| (row.position, row.label));
            let all = there.iter().map(|(position, label)| (*position, *label));
            match &selection[..] {
                ALL | "all = {}" => prop_assert!(chosen.eq(all)),
                NEWEST => {
                    prop_assert!(chosen.eq(all.skip(there.len().saturating_sub(4))));
                }
                _ => for (position, label) in chosen {
                    prop_assert_eq!(there.get(&position), Some(&label));
                }
            }
        }
    }
}

/// The labelled samples that exist just before `end`.
fn labelled_before(changes: &[Change], end: Position) -> BTreeMap<Position, u32> {
    let mut there = BTreeMap::new();
    for change in changes.iter().filter(|change| change.at < end) {
        there.remove(&change.record.position);
        if let Some(label) = change.record.label
            && !matches!(change.kind, Kind::Retract | Kind::Delete)
        {
            there.insert(change.record.position, label);
        }
    }
    there
}
