//! Sequential detectors: updates per second of CPU time, compared with River.
//!
//!     cargo bench -p driftmill-operators --bench detectors
//!     DRIFTMILL_PYTHON=python cargo bench -p driftmill-operators --bench detectors
//!
//! Names of detectors after `--` select them. With `DRIFTMILL_PYTHON`, a Python that has River,
//! `detectors.py` in this folder processes the same stream in alternating rounds.

use std::hint::black_box;
use std::process::Command;

use driftmill_operators::drift::detector::{DetectorTable, Signal};

const VALUES: usize = 1_000_000;
const ROUNDS: usize = 5;

/// Errors: one in five, and one in three from the middle on. The script generates the same values.
fn errors() -> Vec<f64> {
    let mut state = 1u64;
    let mut next = || {
        state = (state * 1_103_515_245 + 12345) % (1 << 31);
        (state >> 8) as f64 / f64::from(1 << 23)
    };
    let error = |i| f64::from(next() < if i < VALUES / 2 { 0.2 } else { 1.0 / 3.0 });
    (0..VALUES).map(error).collect()
}

/// CPU time of this thread in nanoseconds. Waiting for a processor does not count.
fn computed() -> u64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    times.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
}

/// Millions of updates per second, and the number of drifts.
fn rate(table: &DetectorTable, values: &[f64]) -> (f64, usize) {
    let mut detector = table.init();
    let begun = computed();
    let drift = |value: &&f64| detector.observe(**value) == Signal::Drift;
    let drifts = black_box(values).iter().filter(drift).count();
    (values.len() as f64 * 1e3 / (computed() - begun) as f64, drifts)
}

/// Millions of updates per second of River, its drifts, and the number of values that it processed.
fn river(key: &str) -> Option<(f64, usize, usize)> {
    let python = std::env::var("DRIFTMILL_PYTHON").ok()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/detectors.py");
    let output = Command::new(python).args([script, key]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut words = text.split_whitespace();
    let rate = words.next()?.parse().ok()?;
    Some((rate, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
fn main() {
    let values = errors();
    let named: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let wanted = |key: &str| named.is_empty() || named.iter().any(|name| name == key);
    for (key, example) in DetectorTable::CATALOG.iter().filter(|(key, _)| wanted(key)) {
        let table = toml::from_str(&format!("[{key}]\n{example}")).expect("an example is a table");
        let (mut ours, mut rivers, mut drifts) = (Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            let (fast, found) = rate(&table, &values);
            ours.push(fast);
            drifts = found;
            if let Some((slow, found, count)) = river(key) {
                rivers.push(slow);
                let (_, here) = rate(&table, &values[..count]);
                assert!(*key == "kswin" || here == found, "{key}: {here}, River {found}");
            }
        }
        let ours = median(&mut ours);
        print!("{key:13} {ours:8.2} M updates/s, {drifts} drifts");
        if rivers.is_empty() {
            println!();
        } else {
            let river = median(&mut rivers);
            println!("; River {river:8.4} M updates/s, ratio {:.0}", ours / river);
        }
    }
}
