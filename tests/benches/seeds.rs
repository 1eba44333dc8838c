//! The quickstart on streams of other seeds. A policy whose settings fit only one stream is luck.
//!
//! ```text
//! cargo bench --bench seeds                  # seeds 0 to 9
//! cargo bench --bench seeds -- 17 18         # these
//! ```
//!
//! Accuracies are compared with retraining every year, in total and in the worst year. A year counts if it
//! has at least 100 samples and starts in 1936 or later, because the warm-up is the same for all.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// 1936-01-01, in milliseconds since 1970.
const FIRST: i64 = -1_072_915_200_000;

fn quickstart(seed: u64) -> Value {
    let folder = tempfile::tempdir().expect("there is room for a run");
    let inside = |name: &str| folder.path().join(name).display().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .args(["run", "pipelines/quickstart.toml", "--json", "--state", &inside("run")])
        .args(["--set", &format!("source.generator.stream.portraits.seed={seed}")])
        .args(["--set", &format!("sink.directory.path={}", inside("models"))])
        .output()
        .expect("driftmill runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the summary is JSON")
}

/// The result of one policy.
struct Outcome {
    trainings: usize,
    accuracy: f64,
    /// Accuracies of the years that count.
    years: BTreeMap<i64, f64>,
}

impl Outcome {
    fn of(summary: &Value) -> Self {
        let results = &summary["evaluation"]["prequential"];
        let intervals = results["intervals"].as_array().into_iter().flatten();
        let year = |interval: &Value| {
            let start = interval["start"].as_i64()?;
            let counts = start >= FIRST && interval["samples"].as_u64()? >= 100;
            counts.then_some((start, interval["accuracy"].as_f64()?))
        };
        Self {
            trainings: summary["versions"].as_array().map_or(0, Vec::len),
            accuracy: results["accuracy"].as_f64().expect("an accuracy"),
            years: intervals.filter_map(year).collect(),
        }
    }

    /// Differences from `other` in percentage points: in total, and in the year with the lowest difference.
    fn against(&self, other: &Self) -> [f64; 2] {
        let difference = |(year, accuracy): (&i64, &f64)| Some(accuracy - other.years.get(year)?);
        let worst = self.years.iter().filter_map(difference).fold(f64::INFINITY, f64::min);
        [100.0 * (self.accuracy - other.accuracy), 100.0 * worst]
    }
}

fn main() {
    let named: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let seeds = if named.is_empty() { (0..10).collect() } else { named };
    println!("             drift trigger           every year        every five years");
    println!(
        "seed  trainings  total  worst year   trainings   trainings  total  worst year  seconds"
    );
    for seed in seeds {
        let summary = quickstart(seed);
        let compared = |name: &str| Outcome::of(&summary["compare"][name]);
        let (drift, yearly, rarely) =
            (Outcome::of(&summary), compared("yearly"), compared("five-yearly"));
        let ([total, worst], [rare_total, rare_worst]) =
            (drift.against(&yearly), rarely.against(&yearly));
        println!(
            "{seed:>4}  {:>9}  {total:>+5.1}  {worst:>+10.1}   {:>9}   {:>9}  {rare_total:>+5.1}  {rare_worst:>+10.1}  {:>7.0}",
            drift.trainings,
            yearly.trainings,
            rarely.trainings,
            summary["seconds"].as_f64().unwrap_or_default(),
        );
    }
}
