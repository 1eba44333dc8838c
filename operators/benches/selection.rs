//! CPU seconds in which each selection makes a training set of a million of ten million candidates, on one
//! core, compared with a plain loop.
//!
//!     cargo bench -p driftmill-operators --bench selection
//!
//! There are ten classes and ten triggers, and a sample every millisecond. The loops use a seeded generator
//! and put their choices in order. They handle no partitions, deletions or restarts.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]

use std::hint::black_box;

use driftmill_operators::selection::{SelectionConfig, SelectionTable};
use driftmill_operators::{Change, Id, Position, Record};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

const CANDIDATES: u64 = 10_000_000;
const CHOSEN: usize = 1_000_000;
const TRIGGERS: u64 = 10;
const ROUNDS: usize = 3;

/// A plain loop with the same result, for comparison.
#[derive(Clone, Copy)]
enum Loop {
    /// Copies all rows.
    Copy,
    /// Shuffles the wanted number of rows to the front.
    Shuffle,
    /// Shuffles each of ten groups.
    Groups,
    /// Selects by u^(1/w).
    Weights,
}

const POLICIES: [(&str, Loop); 12] = [
    ("all = {}", Loop::Copy),
    ("class_memory = { per_class = 100_000 }", Loop::Groups),
    ("freshness = { unused_ratio = 0.5, limit = 1_000_000 }", Loop::Groups),
    ("label_balanced = { samples = 1_000_000 }", Loop::Groups),
    ("new_data = { tail = \"all\", limit = 1_000_000 }", Loop::Copy),
    ("new_data = { tail = \"all\", limit = 1_000_000, keep = \"uniform\" }", Loop::Shuffle),
    ("new_data = { tail = \"all\", limit = 1_000_000, keep = \"reservoir\" }", Loop::Shuffle),
    ("random = { samples = 1_000_000 }", Loop::Shuffle),
    ("random = { ratio = 0.1 }", Loop::Shuffle),
    ("random_no_replacement = { samples = 1_000_000 }", Loop::Groups),
    ("time_decayed = { half_life = \"1h\", samples = 1_000_000 }", Loop::Weights),
    ("trigger_balanced = { samples = 1_000_000 }", Loop::Groups),
];

fn record(i: u64) -> Record {
    let label = Some((i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u32 % 10);
    Record::new(Position::new(i as i64, Id(i)), 0, i as i64, label)
}

/// Seconds to observe a candidate, seconds to choose among all candidates, and the number of chosen ones.
fn policy(text: &str) -> (f64, f64, usize) {
    let table: SelectionTable = toml::from_str(text).expect("a table");
    let mut partition = table.init();
    let (mut seeing, mut choosing, mut chosen) = (0.0, 0.0, 0);
    for trigger in 0..TRIGGERS {
        let each = CANDIDATES / TRIGGERS;
        let changes: Vec<Change> =
            (trigger * each..(trigger + 1) * each).map(|i| Change::insert(record(i))).collect();
        let begun = computed();
        changes.chunks(1024).for_each(|changes| partition.observe_all(changes));
        seeing += computed() - begun;
        drop(changes);
        let begun = computed();
        let choice = table.combine(partition.propose(trigger));
        if table.remembers() {
            let ids: Vec<Id> = choice.rows.iter().map(|row| row.id()).collect();
            partition.chosen(&ids, choice.round);
        }
        choosing = computed() - begun;
        chosen = choice.rows.len();
        black_box(choice);
    }
    (seeing / CANDIDATES as f64, choosing, chosen)
}

/// The seconds of a plain loop over rows in memory.
fn plain_loop(way: Loop, rows: &[(u64, u32)]) -> f64 {
    let mut random = Pcg64::seed_from_u64(7);
    let begun = computed();
    let mut chosen: Vec<(u64, u32)> = match way {
        Loop::Copy => rows.to_vec(),
        Loop::Shuffle => {
            let mut rows = rows.to_vec();
            rows.partial_shuffle(&mut random, CHOSEN).0.to_vec()
        }
        Loop::Groups => {
            let mut groups = vec![Vec::new(); 10];
            rows.iter().for_each(|row| groups[row.1 as usize].push(*row));
            let each = |group: &mut Vec<(u64, u32)>| {
                group.partial_shuffle(&mut random, CHOSEN / 10).0.to_vec()
            };
            groups.iter_mut().flat_map(each).collect()
        }
        Loop::Weights => {
            let now = CANDIDATES as f64;
            let mut keys: Vec<(f64, (u64, u32))> = rows
                .iter()
                .map(|row| {
                    let weight = ((row.0 as f64 - now) / 3_600_000.0).exp2();
                    (random.random::<f64>().powf(1.0 / weight), *row)
                })
                .collect();
            keys.select_nth_unstable_by(CHOSEN - 1, |a, b| b.0.total_cmp(&a.0));
            keys[..CHOSEN].iter().map(|(_, row)| *row).collect()
        }
    };
    chosen.sort_unstable();
    let seconds = computed() - begun;
    black_box(chosen);
    seconds
}

/// CPU seconds of this thread. Waiting for a processor does not count.
fn computed() -> f64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = times.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    for (key, _) in SelectionTable::CATALOG {
        assert!(POLICIES.iter().any(|(text, _)| text.starts_with(key)), "{key} is not measured");
    }
    let rows: Vec<(u64, u32)> =
        (0..CANDIDATES).map(|i| (i, record(i).label.unwrap_or(0))).collect();
    println!("{:>8} {:>8} {:>8} {:>8} {:>8}", "ns seen", "seconds", "chosen", "loop", "ratio");
    for (text, way) in POLICIES {
        if !named.is_empty() && !named.iter().any(|name| text.starts_with(name.as_str())) {
            continue;
        }
        let mut rounds: Vec<_> =
            (0..ROUNDS).map(|_| (policy(text), plain_loop(way, &rows))).collect();
        rounds.sort_by(|a, b| a.0.1.total_cmp(&b.0.1));
        let ((seen, seconds, chosen), plain) = rounds[ROUNDS / 2];
        let ratio = plain / seconds;
        println!("{:8.1} {seconds:8.3} {chosen:8} {plain:8.3} {ratio:8.2}  {text}", seen * 1e9);
    }
}
