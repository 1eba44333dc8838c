//! Publication of versions to a topic: each exactly once and in order, even if brokers fail.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use driftmill::catalog::Version;
use driftmill::outage::CancellationToken;
use driftmill::sink::{KafkaSink, Published, Sink, SinkConfig, SinkError};
use serde_json::json;

use crate::broker::{Broker, brokers, own};
use crate::needs::{KAFKA, OWN_KAFKA};
use crate::topics::{Ending, consume_all, create, transact, transact_as, unique};
use crate::wait::{LIMIT, wait_for};

crate::suite::tests! {
    versions_survive_a_broker_crash needs OWN_KAFKA,
    versions_survive_a_broker_pause_longer_than_the_transaction_timeout needs OWN_KAFKA,
    the_open_transaction_of_a_dead_predecessor_is_never_visible needs KAFKA,
    published_versions_are_read_back_after_open_transactions_of_others needs KAFKA,
    the_last_job_to_start_publishes_and_the_others_end_with_an_error needs KAFKA,
    permanent_errors_are_not_retried needs KAFKA,
    a_waiting_sink_can_be_stopped needs OWN_KAFKA,
    publishing_a_version_takes_little_time needs KAFKA,
}

/// A sink for versions of `model`, with these properties.
fn sink(brokers: &str, topic: &str, properties: serde_json::Value) -> KafkaSink {
    let table = json!({ "brokers": brokers, "topic": topic, "properties": properties });
    serde_json::from_value(table).unwrap()
}

pub(super) fn open(brokers: &str, topic: &str) -> Box<dyn Sink> {
    sink(brokers, topic, json!({})).open("model", &CancellationToken::default()).unwrap()
}

/// Version `number` of run `run`.
pub(super) fn version(run: &str, number: u64) -> Version {
    serde_json::from_value(json!({
        "id": format!("{run}/model/{number}"),
        "model": "model",
        "version": number,
        "parent": null,
        "trigger": {
            "id": 0, "policy": "amount", "reason": "", "score": null, "threshold": null,
            "position": { "time": 0, "topic": "t", "partition": 0, "offset": 0 },
        },
        "data": {
            "samples": 0, "partitions": [], "from_time": 0, "to_time": 0,
            "selection": "new_data", "seed": 0, "ids_digest": "",
        },
        "artifact": {
            "uri": "file:///nowhere", "format": "safetensors",
            "sha256": format!("digest-{number}"), "bytes": 0,
        },
        "signature": {
            "input": { "shape": [1], "value": "f32" }, "input_scale": { "scale": 1.0, "shift": 0.0 }, "classes": 2,
        },
        "architecture": {},
        "losses": [],
        "pipeline_digest": "",
        "created": "2026-01-01T00:00:00.000Z",
        "training_seconds": 0.0,
    }))
    .unwrap()
}

pub(super) fn publish(sink: &mut dyn Sink, number: u64) -> Result<Option<String>, SinkError> {
    sink.publish(&version("run", number), Path::new("/nowhere"))
}

/// The numbers of all versions that a reader of committed messages sees.
pub(super) fn numbers(brokers: &str, topic: &str) -> Vec<u64> {
    let events = consume_all(brokers, topic);
    events.iter().map(|event| event.value["version"].as_u64().unwrap()).collect()
}

/// Publishes `count` versions. Disturbs the publication after the versions in `at`.
fn publish_through(
    broker: &mut Broker,
    count: u64,
    at: &[u64],
    properties: serde_json::Value,
    mut happens: impl FnMut(&mut Broker),
) {
    let (brokers, topic) = (broker.address.clone(), unique("models"));
    let mut sink =
        sink(&brokers, &topic, properties).open("model", &CancellationToken::default()).unwrap();
    sink.take_over().unwrap();
    let published = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..=count {
                publish(&mut *sink, number).unwrap();
                published.store(number, Ordering::Relaxed);
            }
        });
        for number in at {
            let what = format!("version {number} to be published");
            wait_for(&what, LIMIT, || published.load(Ordering::Relaxed) >= *number);
            happens(broker);
        }
    });
    assert_eq!(numbers(&brokers, &topic), (1..=count).collect::<Vec<_>>());
}

fn versions_survive_a_broker_crash() {
    let mut broker = own();
    publish_through(&mut broker, 200, &[50, 120], json!({}), |broker| {
        broker.kill();
        broker.start_again();
    });
}

fn versions_survive_a_broker_pause_longer_than_the_transaction_timeout() {
    let mut broker = own();
    let properties = json!({ "transaction.timeout.ms": "1500" });
    publish_through(&mut broker, 300, &[60, 130, 220], properties, |broker| {
        broker.pause();
        std::thread::sleep(Duration::from_secs(4));
        broker.resume();
    });
}

fn the_open_transaction_of_a_dead_predecessor_is_never_visible() {
    let brokers = brokers();
    let topic = unique("models");
    create(brokers, &topic, 1);
    let row = std::iter::once((0, 0, b"{\"version\":1}".to_vec()));
    transact_as(brokers, &format!("driftmill/model/{topic}"), &topic, row, Ending::Open);
    let mut sink = open(brokers, &topic);
    sink.take_over().unwrap();
    assert_eq!(sink.published(None).unwrap(), []);
    for number in 1..=3 {
        publish(&mut *sink, number).unwrap();
    }
    assert_eq!(numbers(brokers, &topic), [1, 2, 3]);
}

fn published_versions_are_read_back_after_open_transactions_of_others() {
    let brokers = brokers();
    let topic = unique("models");
    create(brokers, &topic, 3);
    let mut first = open(brokers, &topic);
    publish(&mut *first, 1).unwrap();
    let bookmark = publish(&mut *first, 2).unwrap().unwrap();
    // readers of committed messages do not see beyond these for a while.
    let other = format!("other-{topic}");
    for partition in 0..3 {
        let row = std::iter::once((partition, 0, b"{}".to_vec()));
        transact_as(brokers, &format!("{other}-{partition}"), &topic, row, Ending::Open);
    }
    publish(&mut *first, 3).unwrap();
    let end = std::thread::spawn({
        let topic = topic.clone();
        move || {
            std::thread::sleep(Duration::from_secs(1));
            for partition in 0..3 {
                let id = format!("{other}-{partition}");
                transact_as(brokers, &id, &topic, std::iter::empty(), Ending::Abort);
            }
        }
    });
    let mut second = open(brokers, &topic);
    let there = |number| Published::of(&version("run", number));
    assert_eq!(second.published(Some(&bookmark)).unwrap(), [there(3)]);
    assert_eq!(second.published(None).unwrap(), [there(1), there(2), there(3)]);
    // neither the bookmark of a recreated topic nor a missing bookmark hides versions.
    assert_eq!(second.published(Some("{\"0\":999,\"1\":999,\"2\":999}")).unwrap().len(), 3);
    assert_eq!(second.published(Some("?")).unwrap().len(), 3);
    end.join().unwrap();
    // messages of other producers are ignored.
    let row = |text: &str| std::iter::once((0, 0, text.as_bytes().to_vec()));
    transact(brokers, &topic, row("{\"version\":9}"), Ending::Commit);
    assert_eq!(second.published(None).unwrap().len(), 3);
}

fn the_last_job_to_start_publishes_and_the_others_end_with_an_error() {
    let brokers = brokers();
    let topic = unique("models");
    let (mut first, mut second) = (open(brokers, &topic), open(brokers, &topic));
    publish(&mut *first, 1).unwrap();
    // reading does not disturb publishers.
    assert_eq!(second.published(None).unwrap().len(), 1);
    publish(&mut *first, 2).unwrap();
    second.take_over().unwrap();
    assert_eq!(second.published(None).unwrap().len(), 2);
    for _ in 0..2 {
        let fenced = publish(&mut *first, 3).unwrap_err();
        assert!(matches!(fenced, SinkError::Fenced { .. }), "{fenced}");
        let said = fenced.to_string();
        assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
        // a producer that was fenced does not fence others.
        publish(&mut *second, 3).unwrap();
    }
    assert_eq!(numbers(brokers, &topic), [1, 2, 3, 3], "asked for twice, published twice");
}

fn permanent_errors_are_not_retried() {
    let brokers = brokers();
    let topic = unique("models");
    let small = sink(brokers, &topic, json!({ "message.max.bytes": "1000" }));
    let mut small = small.open("model", &CancellationToken::default()).unwrap();
    let mut large = version("run", 1);
    large.losses = vec![0.123_456_789; 1000];
    let refused = small.publish(&large, Path::new("/nowhere")).unwrap_err().to_string();
    assert!(refused.contains("publishing version 1") || refused.contains("sending"), "{refused}");
    assert!(refused.contains("hint: raise `message.max.bytes`"), "{refused}");
    publish(&mut *small, 2).unwrap();
    assert_eq!(numbers(brokers, &topic), [2]);
}

fn a_waiting_sink_can_be_stopped() {
    let mut broker = own();
    let stop = CancellationToken::default();
    let topic = unique("models");
    let mut sink = sink(&broker.address, &topic, json!({})).open("model", &stop).unwrap();
    publish(&mut *sink, 1).unwrap();
    broker.kill();
    let waiting = std::thread::spawn(move || publish(&mut *sink, 2));
    std::thread::sleep(Duration::from_secs(2));
    assert!(!waiting.is_finished());
    let begun = Instant::now();
    stop.raise();
    assert!(matches!(waiting.join().unwrap(), Err(SinkError::Stopped)));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[expect(clippy::print_stdout, reason = "a measurement, for those who ask with --nocapture")]
fn publishing_a_version_takes_little_time() {
    let brokers = brokers();
    let topic = unique("models");
    let mut sink = open(brokers, &topic);
    publish(&mut *sink, 1).unwrap();
    let mut took: Vec<Duration> = (2..=51)
        .map(|number| {
            // a producer that starts at once after another one must wait for the other's markers.
            std::thread::sleep(Duration::from_millis(50));
            let begun = Instant::now();
            publish(&mut *sink, number).unwrap();
            begun.elapsed()
        })
        .collect();
    took.sort();
    println!("publication: median {:?}, 9 of 10 within {:?}", took[25], took[45]);
}
