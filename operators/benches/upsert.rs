//! Keyed samples: records per second on one worker beside a hash map that does the same, bytes of
//! memory per key, and labels joined by the keyed table beside a differential join.
//!
//!     cargo bench -p driftmill-operators --bench upsert
//!     cargo bench -p driftmill-operators --bench upsert -- memory 50000000

use std::collections::HashMap;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use differential_dataflow::input::InputSession;
use driftmill_operators::flow::{Order, Upsert};
use driftmill_operators::{Change, Id, Kind, Position, Record, Span, position};
use timely::dataflow::ProbeHandle;
use timely::dataflow::operators::{Input, Inspect, Probe};

const RECORDS: u64 = 4_000_000;
const BATCH: u64 = 1024;
const ROUNDS: usize = 5;

/// A hash, as keys are.
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
        let record = |topic, key, label| Record {
            position: position(time, Id::new(topic, 0, i)),
            key: mix(key),
            time,
            label,
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

/// Changes that come out of the operator on one worker.
fn dataflow(stream: Stream, records: u64, wait: i64) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&count);
    timely::execute_directly(move |worker| {
        let mut input = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let (changes, _orphans) = changes.order().upsert(Span::from_millis(wait));
            changes.inspect_core(move |event: Result<(_, &Rc<Vec<Change>>), _>| {
                if let Ok((_, batch)) = event {
                    counter.fetch_add(batch.len() as u64, Ordering::Relaxed);
                }
            });
            input
        });
        for start in (0..records).step_by(BATCH as usize) {
            let end = records.min(start + BATCH);
            let mut batch: Vec<Change> = (start..end).map(|i| stream.change(i)).collect();
            input.send_batch(&mut batch);
            input.advance_to(position(end as i64, Id(0)));
            worker.step();
        }
        println_memory(records);
    });
    count.load(Ordering::Relaxed)
}

/// The same with a hash map, in a loop.
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
