//! Jobs that publish under one name, one after another and at the same time.

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::Program;
use crate::small_job::small_job;
use crate::topics::{consume, consume_all, create, produce, unique};

crate::suite::tests! {
    a_job_ends_with_a_reason_when_another_takes_its_name needs KAFKA,
}

fn job(brokers: &str, topic: &str, models: &str) -> String {
    small_job(&format!(
        "name = \"heir\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"] }}
        trigger.amount.every = 100
        sink.kafka.topic = \"{models}\""
    ))
}

fn fill(brokers: &str, topic: &str, numbers: std::ops::Range<i64>) {
    let rows: Vec<_> = numbers
        .map(|i| (0, 1_000 + i, format!("{{\"a\":{},\"c\":{}}}", i % 7, i % 2).into_bytes()))
        .collect();
    produce(brokers, topic, rows.iter().map(|(part, time, row)| (*part, *time, &row[..])));
}

fn a_job_ends_with_a_reason_when_another_takes_its_name() {
    let brokers = brokers();
    let (topic, models) = (unique("samples"), unique("models"));
    create(brokers, &topic, 1);
    fill(brokers, &topic, 0..250);
    let mut first = Program::start(&job(brokers, &topic, &models));
    assert_eq!(consume(brokers, &models, 2).len(), 2);

    // a job that was started by mistake does no harm.
    let mistaken = Program::start(&job(brokers, &topic, &models)).end();
    assert_eq!(mistaken.code, Some(64), "{}", mistaken.said);
    assert!(mistaken.said.contains("sink.kafka holds 2 versions by other runs"));
    fill(brokers, &topic, 250..350);
    assert_eq!(consume(brokers, &models, 3).len(), 3);
    assert!(first.runs());

    // a job that makes the same versions again publishes only the missing ones.
    let mut second = Program::start_with(&job(brokers, &topic, &models), &["--adopt"]);
    second.wait_for("models/3/version.json");
    fill(brokers, &topic, 350..450);
    let fenced = first.end();
    assert_eq!(fenced.code, Some(69), "{}", fenced.said);
    let wanted =
        format!("another job publishes `heir` to topic `{models}`: process {}", second.id());
    assert!(fenced.said.contains(&wanted), "{}", fenced.said);
    assert!(fenced.said.contains("hint: a model has one publisher"), "{}", fenced.said);
    assert_eq!(consume(brokers, &models, 4).len(), 4);
    assert!(second.runs());
    second.interrupt();
    let second = second.end();
    assert_eq!(second.code, Some(130), "{}", second.said);
    let events = consume_all(brokers, &models);
    let numbers: Vec<u64> = events.iter().map(|e| e.value["version"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}
