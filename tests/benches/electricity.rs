//! The electricity job from one Kafka topic to another, compared with a job in Python with
//! confluent-kafka, numpy and PyTorch: the same rows, the same broker, in alternating rounds.
//!
//! ```text
//! cargo bench --bench electricity
//! ```
//!
//! Starts a broker of its own and makes a Python environment, unless `$DRIFTMILL_TEST_BROKERS` and
//! `$PEER_PYTHON` name them. Our job is timed as a whole process, the Python job after its imports.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../support/data.rs"]
#[expect(dead_code, reason = "it is part of the tests, which use all of it")]
mod data;
mod python;
#[path = "../support/with_broker.rs"]
mod with_broker;

use with_broker::{broker, certificates, server, wait};

use std::process::Command;
use std::time::Instant;

use serde_json::Value;

const ROUNDS: usize = 3;

/// The trigger of each case: its name for the Python job, and our settings.
const CASES: [(&str, &[&str]); 2] = [
    ("drift", &[]),
    ("amount", &["trigger={ amount = { every = 2000 } }", "selection.new_data.tail=0"]),
];

/// Rows per second, trainings, and accuracy.
struct Outcome(f64, u64, f64);

fn driftmill(arguments: &[&str], settings: &[String]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    command.args(arguments);
    settings.iter().for_each(|setting| {
        command.args(["--set", setting]);
    });
    let output = command.output().expect("driftmill runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn ours(brokers: &str, topic: &str, workers: &str, settings: &[&str]) -> Outcome {
    let state = tempfile::tempdir().expect("there is room for a run");
    let state = state.path().join("run");
    let models = format!("models-{}", uuid::Uuid::new_v4());
    let mut all = vec![
        format!("source.kafka.brokers={brokers}"),
        format!("source.kafka.topics=[\"{topic}\"]"),
        format!("sink.kafka.topic={models}"),
    ];
    all.extend(settings.iter().map(|setting| (*setting).to_owned()));
    let state = state.to_str().expect("temporary folders have plain names");
    let started = Instant::now();
    let pipeline = "tests/support/pipelines/electricity.toml";
    let summary =
        driftmill(&["run", pipeline, "--json", "--workers", workers, "--state", state], &all);
    let seconds = started.elapsed().as_secs_f64();
    let count = |key: &str| summary[key].as_array().map_or(0, Vec::len) as u64;
    let rows = summary["samples"].as_f64().expect("a number of samples");
    assert!(rows > 0.0, "{summary}");
    let accuracy = summary["evaluation"]["prequential"]["accuracy"].as_f64();
    Outcome(rows / seconds, count("versions"), accuracy.expect("an accuracy"))
}

fn theirs(python: &std::path::Path, brokers: &str, topic: &str, case: &str) -> Outcome {
    let outcome = python::run(python, "electricity_peer.py", &[brokers, topic, case]);
    let number = |key: &str| outcome[key].as_f64().expect("a number");
    Outcome(number("rows_per_second"), number("trainings") as u64, number("accuracy"))
}

fn main() {
    let brokers = broker::brokers();
    let python = python::python();
    let topic = format!("electricity-{}", uuid::Uuid::new_v4());
    let file = "tests/support/pipelines/electricity-file.toml";
    let path = format!("source.file.path={:?}", data::file("electricity.csv"));
    driftmill(&["generate", file, "--topic", &topic, "--brokers", brokers], &[path]);
    println!("rows/s, medians of {ROUNDS} rounds");
    for (case, settings) in CASES {
        let mut rounds: [Vec<Outcome>; 3] = Default::default();
        for _ in 0..ROUNDS {
            rounds[0].push(ours(brokers, &topic, "1", settings));
            rounds[1].push(ours(brokers, &topic, "2", settings));
            rounds[2].push(theirs(&python, brokers, &topic, case));
        }
        let [one, two, peer] = rounds.map(|rounds| {
            let last = rounds.last().expect("there is a round");
            let (trainings, accuracy) = (last.1, last.2);
            Outcome(
                python::median(rounds.iter().map(|round| round.0).collect()),
                trainings,
                accuracy,
            )
        });
        for (name, outcome) in [("1 worker", &one), ("2 workers", &two), ("python", &peer)] {
            let Outcome(rate, trainings, accuracy) = outcome;
            let ratio = rate / peer.0;
            println!(
                "{case:<7} {name:<9} {rate:>7.0} rows/s  {trainings:>3} trainings  accuracy {accuracy:.3}  ratio {ratio:.1}"
            );
        }
    }
}
