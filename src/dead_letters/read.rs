//! Reading dead letters from a file or a topic.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::kafka::{OMITTED_BYTES, OMITTED_SHA256};
use super::{DeadLetter, DeadLetterError, DeadLetters, Omitted};
use crate::kafka::{ClientReports, RequestError, describe, drop_client};

const REQUEST: Duration = Duration::from_secs(30);

/// Time limit for the next message of the brokers.
const ANSWER: Duration = Duration::from_secs(30);

/// Reads the dead letters in a file. An incomplete line at its end, from a crash, is ignored.
///
/// # Errors
/// When it cannot be read, or is not a file of dead letters.
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

/// Reads the dead letters in the topic of a pipeline, up to its current end.
///
/// # Errors
/// When it cannot be read.
pub fn from_topic(config: &DeadLetters, topic: &str) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let brokers = config.brokers.clone().unwrap_or_default();
    let failed = |error: KafkaError| RequestError {
        action: format!("reading topic `{topic}`"),
        brokers: brokers.clone(),
        reason: describe(&error),
        hint: "",
    };
    let reports = ClientReports::default();
    let mut client = ClientConfig::new();
    config.properties.apply(&mut client)?;
    client
        .set("bootstrap.servers", &brokers)
        .set("group.id", "driftmill")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer<ClientReports> =
        client.create_with_context(reports.clone()).map_err(failed)?;
    let mut open = ends(&consumer, topic).map_err(failed)?;
    let mut assignment = TopicPartitionList::new();
    for partition in open.keys() {
        let added = assignment.add_partition_offset(topic, *partition, Offset::Beginning);
        added.map_err(failed)?;
    }
    consumer.assign(&assignment).map_err(failed)?;
    let (mut dead_letters, mut answered) = (Vec::new(), Instant::now());
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let partition = message.partition();
                if let Some(end) = open.get(&partition) {
                    if message.offset() < *end {
                        dead_letters.extend(dead_letter(&message));
                    }
                    if message.offset() + 1 >= *end {
                        open.remove(&partition);
                    }
                }
            }
            // the last offsets may be transaction markers or compacted away.
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(error)) => return Err(failed(error).into()),
            None if answered.elapsed() < ANSWER => continue,
            None => return Err(DeadLetterError::unreachable(&brokers, ANSWER, &reports)),
        }
        answered = Instant::now();
    }
    drop_client(consumer);
    Ok(dead_letters)
}

/// For each partition that is not empty, the offset after its last message.
fn ends(
    consumer: &BaseConsumer<ClientReports>,
    topic: &str,
) -> Result<BTreeMap<i32, i64>, KafkaError> {
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

/// The dead letter in a message; none for other messages.
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
        omitted: omitted(headers),
    })
}

/// The payload that was left out, as the headers say.
fn omitted(headers: &impl Headers) -> Option<Omitted> {
    let value = |key: &str| {
        let value = headers.iter().find(|header| header.key == key)?.value?;
        std::str::from_utf8(value).ok()
    };
    let bytes = value(OMITTED_BYTES)?.parse().ok()?;
    Some(Omitted { bytes, sha256: value(OMITTED_SHA256)?.to_owned() })
}
