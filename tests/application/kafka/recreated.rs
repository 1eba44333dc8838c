//! Topics that are deleted and created again under the same name.

use std::time::Duration;

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{Program, Ran, run_program};
use crate::topics::{create, delete_topic, produce, unique};
use crate::wait::{LIMIT, wait_for};

crate::suite::tests! {
    a_topic_created_again_between_two_runs_is_rejected needs KAFKA,
    a_topic_created_again_during_a_job_ends_it needs KAFKA,
}

const ROW: &[u8] = b"{\"a\":1,\"c\":0}";

fn pipeline(brokers: &str, topic: &str, until: &str) -> String {
    format!(
        "name = \"recreated\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"]{until} }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 100
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    )
}

fn fill(brokers: &str, topic: &str, count: i64, partitions: i32) {
    produce(brokers, topic, (0..count).map(|i| (i as i32 % partitions, 1000 + i, ROW)));
}

fn create_again(brokers: &str, topic: &str, count: i64, partitions: i32) {
    delete_topic(brokers, topic);
    // after the deletion, the name stays taken for a moment.
    wait_for(&format!("`{topic}` to be created again"), LIMIT, || {
        std::thread::sleep(Duration::from_millis(200));
        std::panic::catch_unwind(|| create(brokers, topic, partitions)).is_ok()
    });
    fill(brokers, topic, count, partitions);
}

fn assert_refused(ran: &Ran, topic: &str) {
    assert_eq!(ran.code, Some(69), "{}", ran.said);
    let wanted = format!("`{topic}` was deleted and created again");
    assert!(ran.said.contains(&wanted) && ran.said.contains("--fresh"), "{}", ran.said);
}

fn a_topic_created_again_between_two_runs_is_rejected() {
    let brokers = brokers();
    // the new topic is longer, shorter or has fewer partitions; the run is bounded or endless.
    for (count, partitions, until) in
        [(500, 2, ""), (500, 2, ", until = \"end\""), (20, 2, ", until = \"end\""), (500, 1, "")]
    {
        let topic = unique("recreated");
        create(brokers, &topic, 2);
        fill(brokers, &topic, 250, 2);
        let text = pipeline(brokers, &topic, until);
        let mut job = Program::start(&text);
        job.wait_for("models/2/version.json");
        if until.is_empty() {
            job.terminate();
        }
        let ran = job.end();
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        let before = ran.summary["samples"].clone();

        create_again(brokers, &topic, count, partitions);
        let ran = Program::start_at(ran.folder, &text, &[], &[]).end();
        assert_refused(&ran, &topic);
        let state = ran.folder.path().join("state");
        let catalog = rusqlite::Connection::open(state.join("catalog.sqlite")).unwrap();
        let rows: i64 =
            catalog.query_row("SELECT count(*) FROM decisions", [], |row| row.get(0)).unwrap();
        assert_eq!((rows, before), (2, 250.into()), "nothing of the new topic was read");
    }
}

fn a_topic_created_again_during_a_job_ends_it() {
    let brokers = brokers();
    let topic = unique("recreated");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 250, 2);
    let text = pipeline(brokers, &topic, "");
    let mut job = Program::start_with(&text, &["--workers", "2"]);
    job.wait_for("models/2/version.json");
    create_again(brokers, &topic, 150, 2);
    wait_for("the end of the job without its topic", LIMIT, || !job.runs());
    let ran = job.end();
    // the job may notice the deletion before the new topic.
    assert_eq!(ran.code, Some(69), "{}", ran.said);
    assert!(ran.said.contains(&topic), "{}", ran.said);
    let again = Program::start_at(ran.folder, &text, &[], &[]).end();
    assert_refused(&again, &topic);
    // a new run reads the new topic.
    let ran = run_program(&pipeline(brokers, &topic, ", until = \"end\""));
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 150);
}
