//! The time from the end of a training to the arrival of the version at a consumer of committed messages:
//! it is made durable, recorded, and published in a transaction.
//!
//! ```text
//! cargo bench --bench publish
//! ```
//!
//! Starts a broker of its own unless `$DRIFTMILL_TEST_BROKERS` names one.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../support/with_broker.rs"]
mod with_broker;

use with_broker::{broker, certificates, server, wait};

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use driftmill::kafka::create_topic;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;

const VERSIONS: usize = 300;

/// Trainings of about 0.1 s, so that a version rarely waits for the previous one.
fn pipeline(brokers: &str, topic: &str) -> String {
    format!(
        "name = \"publish\"
        source.generator.stream.sea = {{ length = {} }}
        trigger.amount.every = 1000
        selection.new_data = {{}}
        model.mlp = {{ hidden = [64, 64], classes = 2 }}
        training = {{ epochs = 60, batch_size = 64 }}
        sink.kafka = {{ brokers = \"{brokers}\", topic = \"{topic}\" }}",
        VERSIONS * 1000
    )
}

/// Milliseconds since `created` in a version's event, when it was received.
fn age(payload: &[u8]) -> f64 {
    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let version: Value = serde_json::from_slice(payload).expect("an event is JSON");
    let created = version["created"].as_str().expect("a version has a time");
    let created = chrono::DateTime::parse_from_rfc3339(created).expect("a time of RFC 3339");
    (now - created.to_utc()).num_microseconds().expect("not that long") as f64 / 1e3
}

fn main() {
    let brokers = broker::brokers();
    let topic = format!("publish-{}", uuid::Uuid::new_v4());
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers);
    create_topic(&client, brokers, &topic, 1).expect("a broker creates a topic");
    let consumer: BaseConsumer = client
        .set("group.id", "reader")
        .set("isolation.level", "read_committed")
        .create()
        .expect("a consumer starts");
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(&topic, 0, Offset::Beginning).expect("an offset");
    consumer.assign(&assignment).expect("a partition can be assigned");

    let folder = tempfile::tempdir().expect("there is room for a run");
    let file = folder.path().join("publish.toml");
    std::fs::write(&file, pipeline(brokers, &topic)).expect("there is room for a file");
    let mut job = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .arg("run")
        .arg(&file)
        .arg("--state")
        .arg(folder.path().join("state"))
        .stdout(Stdio::null())
        .spawn()
        .expect("driftmill runs");
    let begun = Instant::now();
    let mut ages = Vec::new();
    while ages.len() < VERSIONS {
        assert!(begun.elapsed() < Duration::from_secs(300), "{} versions came", ages.len());
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            ages.push(age(message.expect("a message").payload().unwrap_or_default()));
        }
    }
    let between = begun.elapsed().as_secs_f64() * 1e3 / VERSIONS as f64;
    assert!(job.wait().expect("it was started").success());
    ages.sort_by(f64::total_cmp);
    let quantile = |share: f64| ages[(share * (VERSIONS - 1) as f64) as usize];
    println!(
        "trained to visible: median {:.1} ms, p99 {:.1} ms (goal 100), most {:.1} ms; a version every {between:.0} ms",
        quantile(0.5),
        quantile(0.99),
        quantile(1.0)
    );
}
