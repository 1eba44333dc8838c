//! Gathering rows by random ids from the log into one buffer per batch, compared with reading the same
//! rows in order.
//!
//!     cargo bench --bench gather

use std::hint::black_box;
use std::time::Instant;

use driftmill::store::{Log, LogBatch, LogWriter, RowKind};
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;

const ROWS: u64 = 200_000;
const PER_POLL: u64 = 1024;
const BATCH: usize = 64;
const ROUNDS: usize = 9;

fn fill(log: &Log) -> Result<(), Box<dyn std::error::Error>> {
    let mut writer = LogWriter::open(log, 0)?;
    for start in (0..ROWS).step_by(PER_POLL as usize) {
        let ids: Vec<u64> =
            (start..ROWS.min(start + PER_POLL)).map(|offset| Id::new(0, 0, offset).0).collect();
        let rows = ids.len();
        writer.append(LogBatch {
            position_times: vec![0; rows],
            times: vec![0; rows],
            kinds: vec![RowKind::Put as u8; rows],
            keys: vec![0; rows],
            labels: vec![Some(0); rows],
            values: Values::U8(ids.iter().flat_map(|id| [*id as u8; 1024]).collect()),
            ids,
            ..LogBatch::new(ValueType::U8)
        })?;
    }
    Ok(())
}

/// Images per second, in batches.
fn rate(log: &Log, ids: &[Id]) -> Result<f64, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    for batch in ids.chunks(BATCH) {
        let mut values = Values::U8(Vec::with_capacity(BATCH * 1024));
        log.gather(batch, &mut values)?;
        black_box(&values);
    }
    Ok(ids.len() as f64 / begun.elapsed().as_secs_f64())
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let log = Log::create(folder.path(), Schema { value: ValueType::U8, shape: vec![1, 32, 32] })?;
    fill(&log)?;
    let in_order: Vec<Id> = (0..ROWS).map(|offset| Id::new(0, 0, offset)).collect();
    // a permutation: an odd factor is a unit modulo a power of two; offsets beyond the end are skipped.
    let permuted = |i: u64| i.wrapping_mul(0x9E37_79B1) % ROWS.next_power_of_two();
    let random: Vec<Id> = (0..ROWS.next_power_of_two())
        .map(permuted)
        .filter(|offset| *offset < ROWS)
        .map(|offset| Id::new(0, 0, offset))
        .collect();
    rate(&log, &in_order)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (random, in_order) = (rate(&log, &random)?, rate(&log, &in_order)?);
        rounds.push([random / in_order, random, in_order]);
    }
    rounds.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let [ratio, random, in_order] = rounds[ROUNDS / 2];
    println!("random ids {:6.2} M images/s", random / 1e6);
    println!("in order   {:6.2} M images/s", in_order / 1e6);
    println!("ratio      {ratio:6.2} (median of {ROUNDS} alternating rounds; goal 0.8)");
    Ok(())
}
