//! Topics with transactions: only committed messages are read, and markers do not block.

use std::time::Duration;

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{Program, run_program};
use crate::small_job::small_job;
use crate::topics::{
    Ending, consume_all, create, end_transactions, new_topic, transact, transact_as, unique,
};

crate::suite::tests! {
    markers_and_aborted_transactions_at_the_end_are_skipped needs KAFKA,
    messages_after_the_start_of_an_open_transaction_are_counted_and_reported needs KAFKA,
    an_open_transaction_of_others_in_the_sink_topic_delays_only_publishing needs KAFKA,
}

fn markers_and_aborted_transactions_at_the_end_are_skipped() {
    let brokers = brokers();
    let topic = new_topic(brokers, "transactions", 3);
    let write = |partition: i32, numbers: std::ops::Range<i64>, ending| {
        let row = |i: i64| format!("{{\"a\":{i},\"c\":{}}}", i % 2).into_bytes();
        let rows = numbers.map(|i| (partition, 1_000_000 + i, row(i)));
        transact(brokers, &topic, rows, ending);
    };
    // each transaction is followed by its marker, an offset that is never delivered.
    write(0, 0..50, Ending::Commit);
    write(0, 50..70, Ending::Abort);
    write(1, 0..20, Ending::Abort);
    write(1, 20..70, Ending::Commit);
    write(2, 0..5, Ending::Abort);
    // a reader of committed messages does not wait for an open transaction.
    write(0, 70..75, Ending::Open);
    let ran = run_program(&small_job(&format!(
        "name = \"transactions\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
        trigger.amount.every = 100"
    )));
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 100, "{}", ran.summary);
    assert_eq!(ran.trained_on(1), [(0, 50, 50), (21, 71, 50)]);
}

fn rows(numbers: std::ops::Range<i64>) -> impl Iterator<Item = (i32, i64, Vec<u8>)> {
    numbers.map(|i| (0, 1_000_000 + i, format!("{{\"a\":{i},\"c\":{}}}", i % 2).into_bytes()))
}

fn messages_after_the_start_of_an_open_transaction_are_counted_and_reported() {
    let brokers = brokers();
    let topic = unique("transactions");
    create(brokers, &topic, 1);
    transact(brokers, &topic, rows(0..50), Ending::Commit);
    transact(brokers, &topic, rows(50..57), Ending::Open);
    let job = Program::start(&format!(
        "name = \"behind\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"] }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 100
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ));
    std::thread::sleep(Duration::from_secs(22));
    job.terminate();
    let ran = job.end();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert!(ran.said.contains(" · lag 7 · "), "{}", ran.said);
    let (part, reason) = (format!("{topic}/0"), "open transaction at offset 51");
    let outages = ran.summary["outages"].as_array().unwrap();
    assert!(outages.iter().any(|it| it["part"] == part && it["reason"] == reason), "{outages:?}");
    assert!(ran.said.contains("`kafka-transactions.sh abort`"), "{}", ran.said);
}

fn an_open_transaction_of_others_in_the_sink_topic_delays_only_publishing() {
    let brokers = brokers();
    let (topic, models, other) = (unique("samples"), unique("models"), unique("other"));
    create(brokers, &topic, 1);
    create(brokers, &models, 1);
    transact(brokers, &topic, rows(0..200), Ending::Commit);
    transact_as(brokers, &other, &models, rows(0..1), Ending::Open);
    let mut job = Program::start(&format!(
        "name = \"behind\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
        sink.kafka.topic = \"{models}\"
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 100
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ));
    job.wait_for("models/2/version.json");
    std::thread::sleep(Duration::from_secs(3));
    assert!(job.runs(), "versions are to be published");
    end_transactions(brokers, &other);
    let ran = job.end();
    ran.assert_done();
    assert!(ran.said.contains("has an open transaction of another producer"), "{}", ran.said);
    assert!(ran.said.contains("--start-offset 0"), "{}", ran.said);
    let published = consume_all(brokers, &models);
    assert_eq!(published.len(), 2);
}
