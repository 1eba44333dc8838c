//! A topic that goes away under a job.

use std::time::{Duration, Instant};

use super::broker::brokers;
use super::topics::{create, delete_topic, produce, unique};
use crate::runs::Program;

#[test]
fn a_topic_that_is_deleted_ends_the_job_and_is_named() {
    let Some(brokers) = brokers() else { return };
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
    let begun = Instant::now();
    while job.runs() {
        assert!(begun.elapsed() < Duration::from_secs(80), "it goes on without its topic");
        std::thread::sleep(Duration::from_millis(50));
    }
    let ran = job.end();
    assert_eq!(ran.code, Some(69), "{}", ran.said);
    assert!(ran.said.contains(&topic), "{}", ran.said);
}
