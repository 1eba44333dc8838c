//! Reads dead letters back, from a file or a topic.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::{DeadLetter, DeadLetterError, DeadLetters};
use crate::sink::SinkError;
use crate::source::{Heard, describe};

const REQUEST: Duration = Duration::from_secs(30);

/// The dead letters in a file; none where a crash left half a line at its end.
///
/// # Errors
/// When it cannot be read, or is no file of dead letters.
pub fn from_file(path: &Path) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let text = std::fs::read_to_string(path).map_err(DeadLetterError::io("reading", path))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let dead_letter = |(number, line): (usize, &str)| {
        let line_of =
            |reason| DeadLetterError::Line { path: path.to_owned(), line: number + 1, reason };
        serde_json::from_str(line).map_err(line_of)
    };
    whole.lines().enumerate().map(dead_letter).collect()
}

/// The dead letters in the topic that a pipeline names, up to what is its end now.
///
/// # Errors
/// When it cannot be read.
pub fn from_topic(config: &DeadLetters, topic: &str) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let brokers = config.brokers.clone().unwrap_or_default();
    let failed = |error: KafkaError| DeadLetterError::Kafka {
        action: format!("reading topic `{topic}`"),
        brokers: brokers.clone(),
        reason: describe(&error),
        hint: "",
    };
    let mut client = ClientConfig::new();
    config.properties.apply(&mut client).map_err(SinkError::from)?;
    client
        .set("bootstrap.servers", &brokers)
        .set("group.id", "driftmill")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer<Heard> =
        client.create_with_context(Heard::default()).map_err(failed)?;
    let mut open = ends(&consumer, topic).map_err(failed)?;
    let mut assignment = TopicPartitionList::new();
    for partition in open.keys() {
        let added = assignment.add_partition_offset(topic, *partition, Offset::Beginning);
        added.map_err(failed)?;
    }
    consumer.assign(&assignment).map_err(failed)?;
    let mut dead_letters = Vec::new();
    while !open.is_empty() {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.map_err(failed)?;
        let at = message.partition();
        if let Some(end) = open.get(&at) {
            if message.offset() < *end {
                dead_letters.extend(dead_letter(&message));
            }
            if message.offset() + 1 >= *end {
                open.remove(&at);
            }
        }
    }
    std::thread::spawn(move || drop(consumer));
    Ok(dead_letters)
}

/// Per partition that is not empty, the offset behind its last message.
fn ends(consumer: &BaseConsumer<Heard>, topic: &str) -> Result<BTreeMap<i32, i64>, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST)?;
    let mut ends = BTreeMap::new();
    for found in metadata.topics().iter().flat_map(|found| found.partitions()) {
        let (low, high) = consumer.fetch_watermarks(topic, found.id(), REQUEST)?;
        if low < high {
            ends.insert(found.id(), high);
        }
    }
    Ok(ends)
}

/// The dead letter in a message; none if it is something else.
fn dead_letter(message: &BorrowedMessage<'_>) -> Option<DeadLetter> {
    let headers = message.headers()?;
    let header = |name: &str| {
        let name = format!("driftmill.{name}");
        let value = headers.iter().find(|header| header.key == name)?.value?;
        Some(std::str::from_utf8(value).ok()?.to_owned())
    };
    Some(DeadLetter {
        topic: header("topic")?,
        partition: header("partition")?.parse().ok()?,
        offset: header("offset")?.parse().ok()?,
        timestamp: header("timestamp").and_then(|time| time.parse().ok()),
        stage: header("stage")?,
        error: header("error")?,
        reason: header("reason")?,
        run: header("run")?,
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().unwrap_or_default().to_vec(),
    })
}
