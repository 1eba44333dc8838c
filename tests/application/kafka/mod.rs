//! The whole job against a real Apache Kafka broker.

mod bounds;
mod burst;
mod changing;
mod damaged;
mod dead_letters;
mod inputs;
mod keyed;
mod kills;
mod lineage;
mod lost_answers;
mod on_delete;
mod outage;
mod processes;
mod publishing;
mod recreated;
mod retention;
mod rights;
mod secrets;
mod security;
mod storms;
mod successors;
mod transactions;
mod unusable_streams;

use std::path::Path;
use std::process::Command;

use crate::broker::brokers;
use crate::data;
use crate::needs::{ELECTRICITY, KAFKA};
use crate::program::{decided, pipeline, run_to_end};
use crate::small_job::small_job;
use crate::topics::{self, consume, create, new_topic, produce, unique};
use crate::wait::OutputInTime;

crate::suite::tests! {
    electricity_becomes_model_versions needs KAFKA ELECTRICITY,
    results_do_not_depend_on_the_order_of_messages needs KAFKA,
    invalid_messages_become_dead_letters_and_stop_nothing needs KAFKA,
    an_empty_topic_ends_at_once needs KAFKA,
    a_missing_topic_is_reported_with_the_most_similar_one needs KAFKA,
    generate_fills_a_topic_and_run_reads_it needs KAFKA ELECTRICITY,
}

/// Files of tests that need a broker.
pub(crate) const FILES: &[&[crate::suite::Test]] = &[
    TESTS,
    bounds::TESTS,
    burst::TESTS,
    changing::TESTS,
    damaged::TESTS,
    on_delete::TESTS,
    inputs::TESTS,
    keyed::TESTS,
    kills::TESTS,
    dead_letters::TESTS,
    lineage::TESTS,
    outage::TESTS,
    processes::TESTS,
    lost_answers::TESTS,
    publishing::TESTS,
    recreated::TESTS,
    unusable_streams::TESTS,
    retention::TESTS,
    rights::TESTS,
    secrets::TESTS,
    security::TESTS,
    storms::TESTS,
    successors::TESTS,
    transactions::TESTS,
];

/// The electricity job from topic to topic.
const ELECTRICITY_JOB: &str = "tests/support/pipelines/electricity.toml";

/// Rows of the electricity market as JSON, with their event times.
fn electricity(rows: usize) -> Vec<(i64, String)> {
    let start = 831_427_200_000;
    let names = ["period", "nswdemand", "vicprice", "vicdemand", "transfer"];
    let mut reader = csv::Reader::from_path(data::file("electricity.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let row = |(number, record): (usize, Result<csv::StringRecord, csv::Error>)| {
        let record = record.unwrap();
        let field = |name: &str| {
            record[header.iter().position(|column| column == name).unwrap()].to_owned()
        };
        let features: Vec<String> =
            names.iter().map(|name| format!("\"{name}\":{}", field(name))).collect();
        let class = field("class");
        (start + number as i64 * 1_800_000, format!("{{{},\"class\":{class}}}", features.join(",")))
    };
    reader.records().enumerate().take(rows).map(row).collect()
}

fn electricity_pipeline(brokers: &str, topic: &str, models: &str) -> String {
    std::fs::read_to_string(ELECTRICITY_JOB)
        .unwrap()
        .replace("localhost:9092", brokers)
        .replace("topics = [\"electricity\"]", &format!("topics = [\"{topic}\"]"))
        .replace("topic = \"models\"", &format!("topic = \"{models}\""))
}

fn electricity_becomes_model_versions() {
    let brokers = brokers();
    let topic = new_topic(brokers, "electricity", 4);
    let rows = electricity(12_000);
    let dealt =
        rows.iter().enumerate().map(|(i, (time, row))| (i as i32 % 4, *time, row.as_bytes()));
    produce(brokers, &topic, dealt);
    let mut first = None;
    for workers in [1, 2] {
        let models = unique("models");
        let pipeline = pipeline(&electricity_pipeline(brokers, &topic, &models));
        let (summary, _folder) = run_to_end(&pipeline, workers, 500);
        assert_eq!((summary.samples, summary.dead_letters), (12_000, 0));
        assert!(summary.own.versions.len() > 3, "{summary:?}");
        let accuracy = summary.own.evaluation.prequential.total.accuracy.unwrap();
        assert!(accuracy > 0.55, "{accuracy}");

        // an independent consumer finds each version, complete and as announced.
        let events = consume(brokers, &models, summary.own.versions.len());
        for (event, version) in events.iter().zip(&summary.own.versions) {
            assert_eq!(event.key.as_deref(), Some("electricity"));
            assert_eq!(event.header("ce_specversion"), "1.0");
            assert_eq!(event.header("ce_subject"), version.version.to_string());
            assert_eq!(event.value["version"], version.version);
            let path = event.value["artifact"]["uri"].as_str().unwrap();
            let bytes = std::fs::read(path.strip_prefix("file://").unwrap()).unwrap();
            assert_eq!(bytes.len() as u64, event.value["artifact"]["bytes"].as_u64().unwrap());
            let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            assert!(tensors.len() >= 6, "{:?}", tensors.names());
        }
        let decided = decided(&summary);
        assert_eq!(first.get_or_insert(decided.clone()), &decided, "{workers} workers");
    }
}

/// Disordered streams: out of order inside partitions, equal timestamps, two topics, an empty partition,
/// and one partition a hundred times longer than another.
fn results_do_not_depend_on_the_order_of_messages() {
    let brokers = brokers();
    let topics = [unique("long"), unique("short")];
    create(brokers, &topics[0], 3);
    create(brokers, &topics[1], 1);
    let row = |i: i64| format!("{{\"a\":{},\"b\":{},\"c\":{}}}", i % 17, i % 5, i % 2).into_bytes();
    let wobble = |i: i64| 1_000_000 + (i / 3) * 10 + if i % 7 == 0 { -45 } else { i % 4 };
    let long: Vec<_> = (0..8000).map(|i| ((i % 2) as i32, wobble(i), row(i))).collect();
    let short: Vec<_> = (0..40).map(|i| (0, wobble(i * 200), row(i))).collect();
    produce(brokers, &topics[0], long.iter().map(|(p, t, row)| (*p, *t, row.as_slice())));
    produce(brokers, &topics[1], short.iter().map(|(p, t, row)| (*p, *t, row.as_slice())));
    let pipeline = pipeline(&format!(
        "name = \"disorder\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{}\", \"{}\"], until = \"end\" }}
        codec.json = {{ features = [\"a\", \"b\"], label = \"c\" }}
        order = {{ out_of_orderness = \"20ms\" }}
        trigger.amount.every = 700
        selection.new_data = {{ tail = 1, limit = 500, keep = \"uniform\" }}
        model.mlp = {{ hidden = [4] }}
        training = {{ seed = 1 }}",
        topics[0], topics[1]
    ));
    let (first, _folder) = run_to_end(&pipeline, 1, 1000);
    assert_eq!((first.samples, first.own.triggers.len()), (8040, 11));
    assert!(first.late > 0);
    for (workers, poll) in [(1, 13), (2, 100), (4, 1000)] {
        let (again, _folder) = run_to_end(&pipeline, workers, poll);
        assert_eq!(decided(&first), decided(&again), "{workers} workers, polls of {poll}");
    }
}

fn invalid_messages_become_dead_letters_and_stop_nothing() {
    let brokers = brokers();
    let topic = new_topic(brokers, "bad", 1);
    let good = |i: i64| format!("{{\"a\":{i},\"c\":{}}}", i % 2);
    let rows: Vec<String> = (0..3000)
        .map(|i| match i % 600 {
            100 => "garbage".to_owned(),
            200 => String::new(),
            300 => "{\"a\":1e999,\"c\":0}".to_owned(),
            400 => "{\"a\":1,\"c\":7}".to_owned(),
            500 => "{\"b\":1,\"c\":0}".to_owned(),
            _ => good(i),
        })
        .collect();
    let sent = rows.iter().enumerate().map(|(i, row)| (0, 1_000 + i as i64, row.as_bytes()));
    produce(brokers, &topic, sent);
    let pipeline = pipeline(&small_job(&format!(
        "name = \"bad\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
        trigger.amount.every = 1000"
    )));
    let (summary, folder) = run_to_end(&pipeline, 1, 128);
    assert_eq!((summary.samples, summary.dead_letters, summary.own.triggers.len()), (2975, 25, 2));
    let dead_letters =
        std::fs::read_to_string(folder.path().join("state/dead-letters.jsonl")).unwrap();
    let dead_letters: Vec<serde_json::Value> =
        dead_letters.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let errors: Vec<&str> =
        dead_letters.iter().map(|l| l["error"].as_str().unwrap()).take(5).collect();
    assert_eq!(errors, ["malformed", "empty", "malformed", "label", "missing_column"]);
    let offsets: Vec<u64> = dead_letters.iter().map(|l| l["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets[..6], [100, 200, 300, 400, 500, 700]);
    // the bytes are those of the message for every stage that rejects it.
    assert_eq!(dead_letters[0]["payload"], "Z2FyYmFnZQ==");
    assert_eq!(dead_letters[3]["payload"], "eyJhIjoxLCJjIjo3fQ==");
    assert_eq!(
        (&dead_letters[0]["stage"], &dead_letters[3]["stage"]),
        (&"decode".into(), &"order".into())
    );
}

fn an_empty_topic_ends_at_once() {
    let brokers = brokers();
    let topic = new_topic(brokers, "empty", 2);
    let text = electricity_pipeline(brokers, &topic, &unique("models"));
    let (summary, _folder) = run_to_end(&pipeline(&text), 2, 100);
    assert_eq!((summary.samples, summary.own.versions.len()), (0, 0));
    assert_eq!(summary.own.evaluation.prequential.total.accuracy, None);
}

fn a_missing_topic_is_reported_with_the_most_similar_one() {
    let brokers = brokers();
    let topic = new_topic(brokers, "electricity", 1);
    let output = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .args(["run", ELECTRICITY_JOB, "--state"])
        .arg(tempfile::tempdir().unwrap().path().join("state"))
        .args(["--set", &format!("source.kafka.brokers={brokers}")])
        .args(["--set", &format!("source.kafka.topics=[\"{topic}x\"]")])
        .output_in_time();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert!(said.contains(&format!("did you mean `{topic}`?")), "{said}");
}

fn generate_fills_a_topic_and_run_reads_it() {
    let brokers = brokers();
    let (topic, models) = (unique("generated"), unique("models"));
    let binary = env!("CARGO_BIN_EXE_driftmill");
    let generated = Command::new(binary)
        .args(["generate", "tests/support/pipelines/electricity-file.toml", "--partitions", "2"])
        .args(["--brokers", brokers, "--topic", &topic, "--limit", "5000"])
        .args(["--set", &format!("source.file.path={:?}", data::file("electricity.csv"))])
        .output_in_time();
    assert!(generated.status.success(), "{}", String::from_utf8_lossy(&generated.stderr));
    // the rows are from 1996: with the usual retention, a broker would delete them within minutes.
    assert_eq!(topics::retention(brokers, &topic), "-1");
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(binary)
        .args(["run", ELECTRICITY_JOB, "--json", "--workers", "2", "--state"])
        .arg(folder.path().join("state"))
        .args(["--set", &format!("source.kafka.brokers={brokers}")])
        .args(["--set", &format!("source.kafka.topics=[\"{topic}\"]")])
        .args(["--set", &format!("sink.kafka.topic={models}")])
        .output_in_time();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(summary["samples"], 5000);
    let versions = summary["versions"].as_array().unwrap();
    assert!(!versions.is_empty());
    assert!(Path::new(summary["state"].as_str().unwrap()).join("models/1/version.json").exists());
    assert_eq!(consume(brokers, &models, versions.len()).len(), versions.len());
}
