//! Drift metrics and the cost of a drift trigger between comparisons, compared with NumPy and SciPy.
//!
//!     cargo bench -p driftmill-operators --bench drift
//!     DRIFTMILL_PYTHON=python3 cargo bench -p driftmill-operators --bench drift
//!
//! With a Python that has NumPy and SciPy, `drift.py` measures the same, and its times are printed next to
//! ours. Each time is the minimum of several rounds.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]

#[path = "support/python.rs"]
mod python;

use std::hint::black_box;
use std::time::Instant;

use driftmill_operators::drift::metric::MetricTable;
use driftmill_operators::trigger::{Outcome, Step, TriggerTable};
use driftmill_operators::{Change, Id, Matrix, Position, Record};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use python::python;

const ROUNDS: usize = 7;
const SAMPLES: u64 = 1_000_000;

fn main() {
    let theirs = python("drift.py");
    let mut ours = Vec::new();
    let mut found = |what: &str, seconds: f64| ours.push((what.to_owned(), seconds));

    let [x, y, other] = [0, 1, 2].map(|seed| points(seed, 1000, 512));
    let mut mmd = Bench::new("mmd.threshold = 0.1");
    found("mmd 1000 × 512, new reference", least(|turn| mmd.distance([&x, &other][turn % 2], &y)));
    found("mmd 1000 × 512, known reference", least(|_| mmd.distance(&x, &y)));
    let mut mmd = Bench::new("mmd.threshold = { p_value = 0.05, permutations = 100 }");
    found(
        "mmd 1000 × 512, 100 permutations",
        least(|turn| mmd.p_value([&x, &other][turn % 2], &y)),
    );
    let [x, y, other] = [3, 4, 5].map(|seed| points(seed, 100_000, 1));
    let mut ks = Bench::new("ks.threshold = { p_value = 0.05 }");
    found("ks 100,000, new reference", least(|turn| ks.p_value([&x, &other][turn % 2], &y)));
    found("ks 100,000, known reference", least(|_| ks.p_value(&x, &y)));
    let per_sample = observing() / SAMPLES as f64;

    for (what, seconds) in ours {
        // the Python code does not cache a reference.
        let same = what.split(", ").next().unwrap_or_default();
        let rest = if what.contains("permutations") { ", 100 permutations" } else { "" };
        print!("{what:36} {:9.3} ms", seconds * 1e3);
        for library in ["", " (products)"] {
            if let Some(their) = theirs.get(&format!("{same}{rest}{library}")) {
                print!("   Python{library} {:9.3} ms: {:6.1} ×", their * 1e3, their / seconds);
            }
        }
        println!();
    }
    println!("between comparisons                  {:9.1} ns per sample", per_sample * 1e9);
}

struct Bench(MetricTable, Box<dyn driftmill_operators::drift::metric::Metric>);

impl Bench {
    fn new(table: &str) -> Self {
        let table: MetricTable = toml::from_str(table).expect("a table of metrics");
        let metric = table.named()[0].1.init();
        Self(table, metric)
    }

    fn distance(&mut self, x: &Matrix, y: &Matrix) -> f64 {
        self.1.distance(x, y)
    }

    fn p_value(&mut self, x: &Matrix, y: &Matrix) -> f64 {
        let chance = self.0.named()[0].1.threshold().significance().expect("it asks for a p-value");
        self.1.test(x, y, chance).p_values[0]
    }
}

fn points(seed: u64, rows: usize, cols: usize) -> Matrix {
    let mut random = Pcg64::seed_from_u64(seed);
    // a sum of four is nearly normal.
    let value = |random: &mut Pcg64| (0..4).map(|_| random.random::<f32>()).sum::<f32>();
    Matrix::new(cols, (0..rows * cols).map(|_| value(&mut random)).collect())
}

/// Seconds of the fastest round.
#[expect(clippy::disallowed_methods, reason = "a benchmark is about time, not a policy")]
fn least(mut round: impl FnMut(usize) -> f64) -> f64 {
    let time = |turn| {
        let begun = Instant::now();
        black_box(round(turn));
        begun.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(time).fold(f64::INFINITY, f64::min)
}

/// Seconds to show samples to a trigger that has a model and is never asked to compare.
fn observing() -> f64 {
    let table: TriggerTable = toml::from_str(&format!(
        "[drift]\nevery = {}\nwindows.amount = {{ reference = 1000, current = 1000 }}\n\
         metrics.mmd.threshold = 0.1",
        SAMPLES + 1
    ))
    .expect("a trigger");
    let change = |i: u64| {
        let position = Position::new(i as i64, Id(i));
        Change::insert(Record::new(position, 0, i as i64, None))
    };
    let changes: Vec<Change> = (0..SAMPLES).map(change).collect();
    least(|_| {
        let mut trigger = table.init();
        let outcome = Outcome::trained(0, 1, Position::MIN);
        trigger.trained(&outcome);
        let mut passed = 0;
        for batch in changes.chunks(1000) {
            let (seen, step) = trigger.observe_all(batch);
            assert_eq!(step, Step::Continue);
            passed += seen;
        }
        passed as f64
    })
}
