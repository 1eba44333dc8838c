//! Brokers that disappear, and brokers that do not exist.

use std::time::{Duration, Instant};

use crate::broker::own;
use crate::needs::OWN_KAFKA;
use crate::program::{Program, run_program};
use crate::small_job::small_job;
use crate::topics::{consume, create, in_minutes, produce, unique};

crate::suite::tests! {
    a_job_survives_a_broker_outage_and_loses_nothing needs OWN_KAFKA,
    a_job_waits_for_a_missing_broker_and_then_reports_it,
}

/// Number of samples before and after the outage.
const HALF: i64 = 20_000;

fn fill(brokers: &str, topic: &str, numbers: std::ops::Range<i64>) {
    let row = |i: i64| format!("{{\"a\":{},\"c\":{}}}", i % 100, i % 2).into_bytes();
    let rows: Vec<_> = numbers.map(|i| (0, 1_000_000 + i, row(i))).collect();
    produce(
        brokers,
        topic,
        rows.iter().map(|(partition, time, row)| (*partition, *time, &row[..])),
    );
}

fn a_job_survives_a_broker_outage_and_loses_nothing() {
    let mut broker = own();
    let brokers = broker.address.clone();
    let (topic, models) = (unique("outage"), unique("models"));
    create(&brokers, &topic, 1);
    fill(&brokers, &topic, 0..HALF);
    let ((_, soon), (beyond, _)) = (in_minutes(10), in_minutes(20));
    // small fetches, so that the broker dies while there is much left to read.
    let mut job = Program::start(&small_job(&format!(
        "name = \"outage\"
        trigger.amount.every = 5000
        selection.new_data.limit = 100
        sink.kafka.topic = \"{models}\"
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        until = {{ time = \"{soon}\" }}
        [source.kafka.properties]
        \"max.partition.fetch.bytes\" = \"2048\"
        \"queued.max.messages.kbytes\" = \"16\"
        \"fetch.message.max.bytes\" = \"2048\""
    )));
    job.wait_for("models/1/version.json");
    broker.kill();
    std::thread::sleep(Duration::from_secs(3));
    assert!(job.runs(), "it ended: {}", job.end().said);
    broker.start_again();
    fill(&brokers, &topic, HALF..2 * HALF);
    produce(&brokers, &topic, std::iter::once((0, beyond, &b"{\"a\":0,\"c\":0}"[..])));
    let ran = job.end();
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 2 * HALF, "{}\n{}", ran.summary, ran.said);
    let outages = ran.summary["outages"].as_array().unwrap();
    let source = outages.iter().find(|outage| outage["part"] == "source").expect("it was reported");
    assert!(source["now"] == false && source["seconds"].as_f64().unwrap() > 0.5, "{source}");
    let triggers = ran.summary["triggers"].as_array().unwrap();
    let offsets: Vec<i64> =
        triggers.iter().map(|line| line["position"]["offset"].as_i64().unwrap()).collect();
    assert_eq!(offsets, (1..=8).map(|n| 5000 * n - 1).collect::<Vec<_>>());
    let events = consume(&brokers, &models, triggers.len());
    let published: Vec<u64> =
        events.iter().map(|event| event.value["version"].as_u64().unwrap()).collect();
    assert_eq!(published, (1..=8).collect::<Vec<_>>());
}

fn a_job_waits_for_a_missing_broker_and_then_reports_it() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let begun = Instant::now();
    let ran = run_program(&format!(
        "name = \"nobody\"
        source.kafka = {{ brokers = \"127.0.0.1:{port}\", topics = [\"t\"], startup_timeout = \"2s\" }}
        codec.json.features = [\"a\"]
        trigger.amount.every = 1
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ));
    assert_eq!(ran.code, Some(69), "{}", ran.said);
    assert!((2..8).contains(&begun.elapsed().as_secs()), "{:?}: {}", begun.elapsed(), ran.said);
    let (attempts, last) = ran.said.split_once("error: ").unwrap();
    assert!(attempts.lines().count() >= 2, "{attempts}");
    let wanted = format!("no answer from `127.0.0.1:{port}`: ");
    assert!(last.starts_with(&wanted) && last.contains("Connection refused"), "{last}");
    assert!(last.contains("hint: is it running"), "{last}");
}
