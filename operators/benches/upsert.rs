//! Keyed samples: records per second of CPU time on one worker, compared with a hash map that does the
//! same, bytes of memory per key, and labels joined by the keyed table, compared with a differential join.
//!
//!     cargo bench -p driftmill-operators --bench upsert
//!     cargo bench -p driftmill-operators --bench upsert -- memory 50000000

use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use differential_dataflow::input::InputSession;
use driftmill_operators::flow::{Order, Upsert};
use driftmill_operators::{Change, Id, Kind, Position, Record, Span};
use timely::dataflow::ProbeHandle;
use timely::dataflow::operators::{Input, Inspect, Probe};

const RECORDS: u64 = 4_000_000;
const BATCH: u64 = 1024;
const ROUNDS: usize = 5;

/// A hash with the distribution of keys.
fn mix(i: u64) -> u128 {
    let i = i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let low = (i ^ i >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let high = (low ^ low >> 29).wrapping_mul(0x94D0_49BB_1331_11EB);
    u128::from(high ^ high >> 32) << 64 | u128::from(low)
}

/// A stream of keyed changes.
#[derive(Clone, Copy)]
enum Stream {
    /// Every key once.
    New,
    /// A million keys, one change in ten a deletion.
    Replaced,
    /// Samples without labels, and as many labels a thousand changes later.
    Labelled,
}

impl Stream {
    fn change(self, i: u64) -> Change {
        let time = i as i64;
        let record = |topic, key, label| {
            Record::new(Position::new(time, Id::new(topic, 0, i)), mix(key), time, label)
        };
        match self {
            Self::New => Change::insert(record(0, i, Some(1))),
            Self::Replaced => {
                let key = i.wrapping_mul(0xD134_2543_DE82_EF95) >> 20 & 0xF_FFFF;
                let kind = if i % 10 == 9 { Kind::Delete } else { Kind::Insert };
                Change::new(kind, record(0, key, Some(1)))
            }
            Self::Labelled if i % 2 == 1 && i > 1000 => {
                Change::new(Kind::Label, record(1, i - 1001, Some(1)))
            }
            Self::Labelled => Change::insert(record(0, i, None)),
        }
    }
}

/// The number of changes that leave the operator on one worker, and the memory that it then holds.
fn dataflow(stream: Stream, records: u64) -> (u64, u64) {
    let (count, held) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (counter, holds) = (Arc::clone(&count), Arc::clone(&held));
    timely::execute_directly(move |worker| {
        let mut input = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let (changes, _orphans) = changes.order().upsert(Span::from_millis(0));
            changes.inspect_core(move |event| {
                if let Ok((_, batch)) = event {
                    counter.fetch_add(batch.len() as u64, Ordering::Relaxed);
                }
            });
            input
        });
        let before = resident();
        for start in (0..records).step_by(BATCH as usize) {
            let end = records.min(start + BATCH);
            let mut batch: Vec<Change> = (start..end).map(|i| stream.change(i)).collect();
            input.send_batch(&mut batch);
            input.advance_to(Position::new(end as i64, Id(0)));
            worker.step();
        }
        holds.store(resident().saturating_sub(before), Ordering::Relaxed);
    });
    (count.load(Ordering::Relaxed), held.load(Ordering::Relaxed))
}

/// The same computation with a hash map in a loop.
fn plain_loop(stream: Stream, records: u64) -> u64 {
    let mut newest: HashMap<u128, Record> = HashMap::new();
    let mut count = 0;
    for start in (0..records).step_by(BATCH as usize) {
        let end = records.min(start + BATCH);
        let batch: Vec<Change> = (start..end).map(|i| stream.change(i)).collect();
        for change in batch {
            let (key, record) = (change.record.key, change.record);
            count += match change.kind {
                Kind::Delete => u64::from(newest.remove(&key).is_some()),
                Kind::Label => {
                    newest.get_mut(&key).map(|held| held.label = record.label).map_or(0, |()| 1)
                }
                _ => 1 + u64::from(newest.insert(key, record).is_some()),
            };
        }
    }
    count
}

/// Samples joined with their newest labels by differential dataflow, with a time for every `coarse`
/// changes. Exact positions are carried as data. The output is not in order.
fn differential(stream: Stream, records: u64, coarse: u64) -> (u64, u64) {
    let (count, held) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (counted, holds) = (Arc::clone(&count), Arc::clone(&held));
    timely::execute_directly(move |worker| {
        let mut samples = InputSession::<u64, (u128, Position), isize>::new();
        let mut labels = InputSession::<u64, (u128, (Position, u32)), isize>::new();
        let (probe, joined) = (ProbeHandle::new(), Rc::new(Cell::new(0)));
        let counter = Rc::clone(&joined);
        worker.dataflow(|scope| {
            let newest = labels.to_collection(scope).reduce(|_key, labels, newest| {
                newest.extend(labels.last().map(|(label, _)| (**label, 1)));
            });
            samples
                .to_collection(scope)
                .join(newest)
                .inspect(move |_| counter.set(counter.get() + 1))
                .inner
                .probe_with(&probe);
        });
        let before = resident();
        for (time, start) in (0..records).step_by(coarse as usize).enumerate() {
            for change in (start..records.min(start + coarse)).map(|i| stream.change(i)) {
                let (key, at) = (change.record.key, change.at);
                match (change.kind, change.record.label) {
                    (Kind::Label, Some(label)) => labels.insert((key, (at, label))),
                    _ => samples.insert((key, at)),
                }
            }
            let next = time as u64 + 1;
            samples.advance_to(next);
            labels.advance_to(next);
            samples.flush();
            labels.flush();
            worker.step_while(|| probe.less_than(&next));
        }
        counted.store(joined.get(), Ordering::Relaxed);
        holds.store(resident().saturating_sub(before), Ordering::Relaxed);
    });
    (count.load(Ordering::Relaxed), held.load(Ordering::Relaxed))
}

/// Bytes of memory of this process.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0) * 4096
}

/// CPU time of this thread in nanoseconds. Waiting for a processor does not count.
fn computed() -> u64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    times.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
}

fn rate(run: impl Fn() -> u64) -> f64 {
    let begun = computed();
    black_box(run());
    RECORDS as f64 * 1e3 / (computed() - begun) as f64
}

/// The median of alternating rounds, in millions of records per second.
fn compare<const N: usize>(ways: [&dyn Fn() -> u64; N]) -> [f64; N] {
    let mut rounds = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        ways.iter().zip(&mut rounds).for_each(|(way, rates)| rates.push(rate(way)));
    }
    rounds.map(|mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    })
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "memory") {
        let keys = arguments.get(at + 1).and_then(|keys| keys.parse().ok()).unwrap_or(RECORDS);
        let way = arguments.get(at + 2).map_or("upsert", String::as_str);
        let (_, held) = match way {
            "labels" => dataflow(Stream::Labelled, keys * 2),
            "differential" => differential(Stream::Labelled, keys * 2, 10_000),
            _ => dataflow(Stream::New, keys),
        };
        return println!("{way}: {keys} keys, {:.1} bytes a key", held as f64 / keys as f64);
    }
    for (name, stream) in [("new keys", Stream::New), ("a million keys", Stream::Replaced)] {
        assert_eq!(dataflow(stream, RECORDS / 8).0, plain_loop(stream, RECORDS / 8), "{name}");
        let [flow, plain] =
            compare([&|| dataflow(stream, RECORDS).0, &|| plain_loop(stream, RECORDS)]);
        println!("{name:15} {flow:6.2} M records/s, hash map {plain:6.2}, {:.2}", flow / plain);
    }
    let stream = Stream::Labelled;
    let [flow, joined] =
        compare([&|| dataflow(stream, RECORDS).0, &|| differential(stream, RECORDS, 10_000).0]);
    println!("{:15} {flow:6.2} M changes/s, differential join {joined:6.2}", "labels");
}
