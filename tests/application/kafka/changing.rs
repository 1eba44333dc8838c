//! Topics that change during a job: they disappear, get partitions, or have silent partitions.

use std::time::Duration;

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::Program;
use crate::topics::{add_partitions, create, delete_topic, produce, unique};
use crate::wait::{LIMIT, wait_for};

crate::suite::tests! {
    a_deleted_topic_ends_the_job_and_is_reported needs KAFKA,
    added_partitions_are_read_from_their_beginning needs KAFKA,
    an_idle_partition_is_skipped_and_its_later_messages_are_placed_later needs KAFKA,
}

fn a_deleted_topic_ends_the_job_and_is_reported() {
    let brokers = brokers();
    let topic = unique("deleted");
    create(brokers, &topic, 2);
    let row = "{\"a\":1,\"c\":0}".as_bytes();
    produce(brokers, &topic, (0..200).map(|i| ((i % 2) as i32, 1000 + i, row)));
    let mut job = Program::start(&format!(
        "name = \"deleted\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"] }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 100
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ));
    job.wait_for("models/1/version.json");
    delete_topic(brokers, &topic);
    wait_for("the end of the job without its topic", LIMIT, || !job.runs());
    let ran = job.end();
    assert_eq!(ran.code, Some(69), "{}", ran.said);
    assert!(ran.said.contains(&topic), "{}", ran.said);
}

fn pipeline(brokers: &str, topic: &str, order: &str) -> String {
    format!(
        "name = \"{topic}\"
        source.kafka.brokers = \"{brokers}\"
        source.kafka.topics = [\"{topic}\"]
        source.kafka.properties = {{ \"topic.metadata.refresh.interval.ms\" = \"500\" }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        {order}
        trigger.amount.every = 100
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    )
}

const ROW: &[u8] = b"{\"a\":1,\"c\":0}";

fn added_partitions_are_read_from_their_beginning() {
    let brokers = brokers();
    let topic = unique("widened");
    create(brokers, &topic, 1);
    produce(brokers, &topic, (0..210).map(|i| (0, 1000 + i, ROW)));
    let pipeline = pipeline(brokers, &topic, "");
    let mut job = Program::start_with(&pipeline, &["--workers", "2"]);
    job.wait_for("models/2/version.json");
    add_partitions(brokers, &topic, 3);
    // past decisions do not change: event times before them are late.
    produce(brokers, &topic, (0..330).map(|i| ((i % 3) as i32, 500 + 3 * i, ROW)));
    job.wait_for("models/5/version.json");
    job.terminate();
    let ran = job.end();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert_eq!(ran.summary["samples"], 540, "{}", ran.said);
    let read: Vec<u64> =
        (3..=5).flat_map(|version| ran.trained_on(version)).map(|of| of.2).collect();
    assert_eq!(read.iter().sum::<u64>(), 300);
    assert!(read.len() > 4, "of several partitions: {read:?}");
    let before = ran.summary["versions"].clone();

    let job = Program::start_at(ran.folder, &pipeline, &[], &[]);
    std::thread::sleep(Duration::from_secs(2));
    job.terminate();
    let ran = job.end();
    assert_eq!((ran.code, &ran.summary["samples"]), (Some(0), &540.into()), "{}", ran.said);
    assert_eq!(ran.summary["versions"], before);
}

fn an_idle_partition_is_skipped_and_its_later_messages_are_placed_later() {
    let brokers = brokers();
    for workers in ["1", "3"] {
        let topic = unique("silent");
        create(brokers, &topic, 3);
        let pipeline = pipeline(brokers, &topic, "order.idle_after = \"300ms\"");
        produce(brokers, &topic, (0..150).map(|i| (1, 1000 + i, ROW)));
        let mut job = Program::start_with(&pipeline, &["--workers", workers]);
        job.wait_for("models/1/version.json");
        // an event time before decisions that were made without it.
        produce(brokers, &topic, (0..100).map(|i| (0, 100 + i, ROW)));
        job.wait_for("models/2/version.json");
        job.terminate();
        let ran = job.end();
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        assert_eq!(ran.trained_on(1), [(0, 100, 100)]);
        assert_eq!(ran.trained_on(2), [(0, 50, 50), (100, 150, 50)]);
        assert_eq!(ran.summary["late"], 100);

        // decisions without the third partition are still valid after a restart.
        produce(brokers, &topic, (0..150).map(|i| (2, 10 + i, ROW)));
        let mut job = Program::start_at(ran.folder, &pipeline, &["--workers", "2"], &[]);
        job.wait_for("models/4/version.json");
        job.terminate();
        let ran = job.end();
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        assert_eq!(ran.trained_on(3), [(50, 100, 50), (0, 50, 50)]);
        assert_eq!(ran.trained_on(4), [(50, 150, 100)]);
    }
}
