//! Topics written in transactions: only what was committed is read, and markers hold nothing up.

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::run_program;
use crate::topics::{Ending, create, transact, unique};

crate::suite::tests! {
    markers_and_aborted_transactions_at_the_end_are_no_samples_and_no_obstacle needs KAFKA,
}

fn markers_and_aborted_transactions_at_the_end_are_no_samples_and_no_obstacle() {
    let brokers = brokers();
    let topic = unique("transactions");
    create(brokers, &topic, 3);
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
    let ran = run_program(&format!(
        "name = \"transactions\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 100
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ));
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 100, "{}", ran.summary);
    assert_eq!(ran.trained_on(1), [(0, 50, 50), (21, 71, 50)]);
}
