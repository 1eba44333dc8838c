//! More samples at once than a job can train on.

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::Program;
use crate::topics::{create, produce, unique};

crate::suite::tests! {
    a_burst_four_times_as_large_takes_no_more_memory needs KAFKA,
}

/// Number of values in a sample: 256 bytes of payload in the log.
const WIDTH: usize = 64;

/// The maximum of the private memory, in bytes, of a job with this number of waiting samples. Mapped pages
/// of the log belong to the system.
fn most_memory(brokers: &str, samples: i64) -> u64 {
    let topic = unique("burst");
    create(brokers, &topic, 2);
    let row = vec!["1"; WIDTH + 1].join(",");
    produce(brokers, &topic, (0..samples).map(|i| ((i % 2) as i32, 1000 + i, row.as_bytes())));
    let columns: Vec<String> = (0..WIDTH).map(|i| format!("\"x{i}\"")).collect();
    let columns = columns.join(",");
    let mut job = Program::start(&format!(
        "name = \"burst\"
        order.max_buffered = 5000
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        until = \"end\"
        [source.kafka.properties]
        \"queued.max.messages.kbytes\" = \"2048\"
        \"fetch.message.max.bytes\" = \"262144\"
        [codec.csv]
        columns = [{columns}, \"c\"]
        features = [{columns}]
        label = \"c\"
        [trigger.amount]
        every = 20000
        [selection.new_data]
        limit = 2000
        [model.mlp]
        hidden = [256]
        [training]
        epochs = 3"
    ));
    let most = job.most_memory();
    let ran = job.end();
    ran.assert_done();
    assert_eq!(ran.summary["samples"], samples);
    most
}

fn a_burst_four_times_as_large_takes_no_more_memory() {
    let brokers = brokers();
    let (few, many) = (150_000, 600_000);
    let [small, large] = [few, many].map(|samples| most_memory(brokers, samples));
    let grown = large.saturating_sub(small);
    // a tenth of the size of the samples.
    assert!(
        grown < 26 * (many - few) as u64,
        "{small} bytes for {few} samples, {large} for {many}"
    );
}
