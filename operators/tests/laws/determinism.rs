//! Decisions and training sets depend only on the records and their positions, not on batches, arrival
//! or the number of workers. They are those of a plain loop.

use std::sync::mpsc::Sender;
use std::sync::{Arc, mpsc};

use driftmill_operators::flow::{
    Decide, HostedTrigger, ModelQuery, Order, OrderAll, Select, SelectionCheckpoints, Service,
    Train, TrainingRequest, TriggerCheckpoint, TriggerEvaluation, immediate,
};
use driftmill_operators::selection::{SelectionTable, TrainingSet};
use driftmill_operators::trigger::{Cut, Outcome, TriggerTable};
use driftmill_operators::{Change, Id, Position, Record};
use parking_lot::Mutex;
use proptest::prelude::*;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;
use timely::dataflow::operators::{ConnectLoop, Feedback, Input};
use timely::worker::Worker;

pub(crate) fn trained(set: &TrainingSet) -> Outcome {
    Outcome {
        trigger: set.decision.trigger,
        version: (!set.rows.is_empty()).then_some(set.decision.trigger),
        effective: set.decision.end(),
        samples: set.rows.len() as u64,
        seconds: 0.0,
        ids: set.rows.iter().map(|row| row.id()).collect(),
    }
}

/// A training service that trains at once and reports every request to `record`.
pub(crate) fn training(
    mut record: impl FnMut(TrainingRequest),
) -> impl Service<TrainingRequest, Outcome> {
    immediate(move |mut request: TrainingRequest| {
        let outcome = trained(&request.set);
        request.set.seconds = 0.0;
        record(request);
        outcome
    })
}

#[derive(Clone, Debug)]
struct Setting {
    trigger: TriggerTable,
    selection: SelectionTable,
    workers: usize,
    batch: usize,
}

/// One partition's records, with the watermark after each of them.
type Partition = Vec<(Record, i64)>;

/// Partitions of slightly disordered times; position time = max(time, prefix maximum − 5).
fn partitions(times: &[Vec<i64>]) -> Vec<Partition> {
    let partition = |(number, times): (usize, &Vec<i64>)| {
        let mut watermark = i64::MIN;
        let place = |(offset, time): (usize, &i64)| {
            let id = Id::new(0, number as u16, offset as u64);
            let position = Position::new((*time).max(watermark), id);
            watermark = watermark.max(time - 5);
            let label = Some(offset as u32 % 4);
            (Record::new(position, 0, *time, label), watermark)
        };
        times.iter().enumerate().map(place).collect()
    };
    times.iter().enumerate().map(partition).collect()
}

/// The state in which a dataflow starts, and the records that were kept of it.
#[derive(Clone, Debug, Default)]
struct Kept {
    checkpoint: Option<TriggerCheckpoint>,
    checkpoints: SelectionCheckpoints,
}

fn dataflow(partitions: &[Partition], setting: &Setting) -> Vec<TrainingSet> {
    resumed(partitions, setting, &Kept::default()).0
}

/// The training sets, the checkpoints of the trigger policy at each decision and after every 7 changes, and
/// its evaluations.
fn resumed(
    partitions: &[Partition],
    setting: &Setting,
    start: &Kept,
) -> (Vec<TrainingSet>, Vec<TriggerCheckpoint>, Vec<TriggerEvaluation>) {
    let (send, receive) = mpsc::channel::<TrainingSet>();
    let send = Arc::new(Mutex::new(send));
    let kept = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let all_kept = Arc::clone(&kept);
    let (partitions, setting, start) = (partitions.to_vec(), setting.clone(), start.clone());
    timely::execute(timely::Config::process(setting.workers), move |worker| {
        let send: Sender<TrainingSet> = send.lock().clone();
        let (index, peers) = (worker.index(), worker.peers());
        let mut input = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let ordered = changes.order();
            let (handle, back) = scope.feedback(1);
            let checkpoint = start.checkpoint.clone();
            let [between, decided, evaluations] = std::array::from_fn(|_| Arc::clone(&kept));
            let trigger = setting.trigger.init();
            let decisions = ordered.clone().order_all().decide(back, move |_wake| HostedTrigger {
                trigger,
                checkpoint,
                service: immediate(|asked: ModelQuery| crate::host::answer(&asked.question, 40)),
                on_checkpoint: move |checkpoint| between.lock().0.push(checkpoint),
                checkpoint_interval: 7,
                on_evaluation: move |measurement| {
                    evaluations.lock().1.push(TriggerEvaluation { seconds: 0.0, ..measurement })
                },
            });
            let mut checkpoints = start.checkpoints.clone();
            checkpoints.partitions.retain(|stream, _| *stream as usize % peers == index);
            ordered
                .select(decisions, Arc::new(setting.selection.clone()), checkpoints)
                .train(move |_wake| {
                    training(move |TrainingRequest { set, checkpoint }| {
                        decided.lock().0.push(checkpoint);
                        send.send(set).unwrap();
                    })
                })
                .connect_loop(handle);
            input
        });
        let mine = partitions.iter().skip(index).step_by(peers);
        feed(worker, &mut input, mine, setting.batch);
    })
    .unwrap();
    let (kept, evaluations) = all_kept.lock().clone();
    (receive.iter().collect(), kept, evaluations)
}

/// Sends the records of a worker's partitions in batches, each with the least watermark of the partitions.
fn feed<'a>(
    worker: &mut Worker,
    input: &mut InputHandle<Position, CapacityContainerBuilder<Vec<Change>>>,
    partitions: impl Iterator<Item = &'a Partition>,
    size: usize,
) {
    let mut mine: Vec<_> = partitions.map(|records| (records.iter(), i64::MIN)).collect();
    while !mine.is_empty() {
        mine.retain_mut(|(records, watermark)| {
            let batch: Vec<_> = records.take(size).collect();
            *watermark = batch.last().map_or(*watermark, |(_, watermark)| *watermark);
            batch.iter().for_each(|(record, _)| input.send(Change::insert(*record)));
            !batch.is_empty()
        });
        if let Some(least) = mine.iter().map(|(_, watermark)| *watermark).min() {
            input.advance_to(Position::new(least, Id(0)).max(*input.time()));
        }
        worker.step();
    }
}

/// The same computation as a loop over the sorted records.
fn plain_loop(partitions: &[Partition], setting: &Setting) -> Vec<(u64, Vec<Id>)> {
    let mut changes: Vec<Change> =
        partitions.iter().flatten().map(|(record, _)| Change::insert(*record)).collect();
    changes.sort_by_key(|change| change.at);
    let (mut trigger, mut selection) = (setting.trigger.init(), setting.selection.init());
    let decided = crate::host::decisions(&mut *trigger, &changes, 40);
    let mut sets = Vec::new();
    let mut seen = 0;
    for (number, (index, cut)) in decided.into_iter().enumerate() {
        let end = index + usize::from(cut == Cut::After);
        changes[seen..end].iter().for_each(|change| selection.observe(change));
        seen = end;
        let chosen = crate::host::select(&setting.selection, &mut *selection, number as u64).rows;
        sets.push((number as u64, chosen.iter().map(|row| row.id()).collect()));
    }
    sets
}

fn ids(sets: &[TrainingSet]) -> Vec<(u64, Vec<Id>)> {
    sets.iter()
        .map(|set| (set.decision.trigger, set.rows.iter().map(|row| row.id()).collect()))
        .collect()
}

const TRIGGERS: [&str; 4] = [
    "amount.every = 7",
    "time.every = \"9ms\"",
    "drift = { every = 10, on = \"features\", windows.amount = { reference = 30, current = 10 }, \
     metrics.ks = { threshold = 0.4 } }",
    "drift = { every = 6, warmup = 20, windows.time = { reference = \"40ms\", current = \"9ms\" }, \
     metrics.mmd = { threshold = 0.1 } }",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn results_do_not_depend_on_batches_and_workers(
        times in prop::collection::vec(prop::collection::vec(-20i64..60, 0..50), 1..5),
        trigger in prop::sample::select(TRIGGERS.to_vec()),
        selection in prop::sample::select(crate::host::selections()),
        workers in 1usize..5,
        batch in 1usize..20,
    ) {
        let partitions = partitions(&times);
        let setting = Setting {
            trigger: toml::from_str(trigger).unwrap(),
            selection: toml::from_str(&selection).unwrap(),
            workers,
            batch,
        };
        let one = Setting { workers: 1, batch: 1000, ..setting.clone() };
        let expected = dataflow(&partitions, &one);
        prop_assert_eq!(&expected, &dataflow(&partitions, &setting));
        let looped: Vec<_> = plain_loop(&partitions, &setting);
        // the loop's trainings always make a version, so compare only the parts that do not depend on it.
        if expected.iter().all(|set| !set.rows.is_empty()) {
            prop_assert_eq!(ids(&expected), looped);
        }
    }

    /// Resumes from every checkpoint, with another number of workers and a replay of the whole log.
    #[test]
    fn a_stopped_dataflow_resumes(
        times in prop::collection::vec(prop::collection::vec(-20i64..60, 0..50), 1..5),
        trigger in prop::sample::select(TRIGGERS.to_vec()),
        selection in prop::sample::select(crate::host::selections()),
        (before, after) in (1usize..4, 1usize..4),
        batch in 1usize..20,
        cut in any::<prop::sample::Index>(),
        lost in any::<u64>(),
    ) {
        let partitions = partitions(&times);
        let setting = Setting {
            trigger: toml::from_str(trigger).unwrap(),
            selection: toml::from_str(&selection).unwrap(),
            workers: before,
            batch,
        };
        let (sets, kept, evaluations) = resumed(&partitions, &setting, &Kept::default());
        if kept.is_empty() {
            return Ok(());
        }
        let checkpoint = kept[cut.index(kept.len())].clone();
        let next = checkpoint.open.as_ref().map_or(checkpoint.next_trigger, |open| open.trigger);
        let mut checkpoints = SelectionCheckpoints::default();
        for set in sets.iter().filter(|set| set.decision.trigger < next) {
            checkpoints.decisions.push((set.decision.trigger, set.decision.end()));
            // states may be saved less often than decisions are made.
            let saved = set.checkpoints.iter().filter(|(stream, checkpoint)| {
                (lost >> ((u64::from(*stream) + 5 * checkpoint.trigger) % 64)) & 1 == 1
            });
            checkpoints.partitions.extend(saved.cloned());
        }
        // choices are reported only to partitions that have been observed.
        let before = sets.iter().filter(|set| set.decision.trigger < next);
        let seen = before.flat_map(|set| &set.checkpoints).map(|(stream, _)| *stream);
        let saved = |stream| checkpoints.partitions.get(&stream).map_or(0, |partition| partition.trigger);
        let oldest = seen.map(saved).min().unwrap_or(next);
        let past = sets.iter().filter(|set| (oldest..next).contains(&set.decision.trigger));
        checkpoints.chosen = past.map(TrainingSet::chosen).collect();
        let other = Setting { workers: after, batch: batch + 3, ..setting };
        let start = Kept { checkpoint: Some(checkpoint), checkpoints };
        let at = start.checkpoint.as_ref().unwrap().at;
        let (rest, _, again) = resumed(&partitions, &other, &start);
        prop_assert_eq!(without_checkpoints(&rest), without_checkpoints(&sets[next as usize..]));
        let later = evaluations.partition_point(|measurement| measurement.position < at);
        prop_assert_eq!(&again[..], &evaluations[later..]);
    }
}

/// The time at which a state is saved depends on when it was saved before.
fn without_checkpoints(sets: &[TrainingSet]) -> Vec<TrainingSet> {
    sets.iter().map(|set| TrainingSet { checkpoints: Vec::new(), ..set.clone() }).collect()
}
