//! Resolution of the partitions of all topics and their bounds.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::config::{Kafka, Start, Until};
use super::connect::{broker_of, consumer};
use crate::kafka::{ClientReports, drop_client, topic_ids};
use crate::source::{Partition, SourceError};

const REQUEST: Duration = Duration::from_secs(30);

/// Time during which a new topic may be unknown to the queried broker.
const PROPAGATION: Duration = Duration::from_secs(3);

/// Partitions of all topics with their bounds, in the order of the pipeline.
pub(super) fn resolve(kafka: &Kafka) -> Result<Vec<Partition>, SourceError> {
    let (consumer, reports) = consumer(kafka, 1)?;
    let mut metadata = broker_of(&consumer, &reports, kafka)?;
    let begun = Instant::now();
    let lacks_one = |metadata: &Metadata| {
        kafka.all_topics().any(|topic| partitions_of(kafka, metadata, topic).is_err())
    };
    while lacks_one(&metadata) && begun.elapsed() < PROPAGATION {
        std::thread::sleep(Duration::from_millis(200));
        metadata = broker_of(&consumer, &reports, kafka)?;
    }
    let topics: Vec<&str> = kafka.all_topics().map(String::as_str).collect();
    // brokers without this request are read without it.
    let mut ids = topic_ids(consumer.client(), &topics, REQUEST).unwrap_or_default();
    let mut partitions: Vec<Partition> = Vec::new();
    for (index, topic) in kafka.all_topics().enumerate() {
        let id = ids.remove(topic);
        for partition in partitions_of(kafka, &metadata, topic)? {
            let resolver = Resolver { consumer: &consumer, topic, partition };
            let (low, high) = resolver.watermarks()?;
            let start = match &kafka.start {
                Start::Earliest => low,
                Start::Latest => high,
                Start::Time(time) => resolver.at(time.millis())?.unwrap_or(high),
                Start::Offsets(offsets) => {
                    let wanted = offsets.get(&format!("{topic}/{partition}")).copied();
                    resolver.within(wanted.map_or(low, |wanted| wanted as i64), low, high)?
                }
            };
            let end = match &kafka.until {
                None => None,
                Some(Until::End) => Some(high),
                Some(Until::Time(time)) => {
                    let past = time.millis() <= now();
                    resolver.at(time.millis())?.or(past.then_some(high))
                }
            };
            partitions.push(Partition {
                topic: topic.clone(),
                identity: id.clone(),
                topic_index: index as u8,
                partition: partition as u16,
                start: start as u64,
                end: end.map(|end| end.max(start) as u64),
            });
        }
    }
    if let Start::Offsets(offsets) = &kafka.start {
        all_named_exist(offsets.keys(), &partitions)?;
    }
    drop_client(consumer);
    Ok(partitions)
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Checks that the partitions with a start offset exist. Otherwise such an offset would be ignored without
/// a message.
fn all_named_exist<'a>(
    mut named: impl Iterator<Item = &'a String>,
    partitions: &[Partition],
) -> Result<(), SourceError> {
    let is = |part: &Partition, name: &str| format!("{}/{}", part.topic, part.partition) == *name;
    match named.find(|name| !partitions.iter().any(|part| is(part, name))) {
        Some(name) => {
            let text = format!("`source.kafka.start`: there is no partition `{name}`");
            Err(SourceError::Mismatch(text))
        }
        None => Ok(()),
    }
}

fn partitions_of(kafka: &Kafka, metadata: &Metadata, topic: &str) -> Result<Vec<i32>, SourceError> {
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    match found.filter(|found| found.error().is_none() && !found.partitions().is_empty()) {
        Some(found) => {
            let mut ids: Vec<i32> = found.partitions().iter().map(|p| p.id()).collect();
            ids.sort_unstable();
            Ok(ids)
        }
        None => Err(SourceError::NoTopic {
            topic: topic.to_owned(),
            brokers: kafka.brokers.clone(),
            hint: nearest(metadata, topic),
        }),
    }
}

/// A hint with the most similar existing topic.
fn nearest(metadata: &Metadata, topic: &str) -> String {
    metadata
        .topics()
        .iter()
        .map(|found| found.name())
        .filter(|name| !name.starts_with("__"))
        .map(|name| (strsim::damerau_levenshtein(name, topic), name))
        .min()
        .filter(|(distance, _)| *distance <= 1 + topic.len() / 3)
        .map(|(_, name)| format!("\nhint: did you mean `{name}`?"))
        .unwrap_or_else(|| "\nhint: create it before the job starts".into())
}

struct Resolver<'a> {
    consumer: &'a BaseConsumer<ClientReports>,
    topic: &'a str,
    partition: i32,
}

impl Resolver<'_> {
    fn failed(&self, what: &str) -> impl FnOnce(rdkafka::error::KafkaError) -> SourceError {
        let action = format!("reading {what} of partition {} of `{}`", self.partition, self.topic);
        move |source| SourceError::Kafka { action, source }
    }

    fn watermarks(&self) -> Result<(i64, i64), SourceError> {
        let begun = Instant::now();
        loop {
            let found = self.consumer.fetch_watermarks(self.topic, self.partition, REQUEST);
            let error = match found {
                Ok(ends) => return Ok(ends),
                Err(error) => error,
            };
            // a new partition may have no leader.
            let leader =
                error.rdkafka_error_code() == Some(RDKafkaErrorCode::NotLeaderForPartition);
            if !leader || begun.elapsed() > PROPAGATION {
                return Err(self.failed("the ends")(error));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The first offset whose timestamp is not before `time`; none if all are before it.
    fn at(&self, time: i64) -> Result<Option<i64>, SourceError> {
        let mut wanted = TopicPartitionList::new();
        wanted
            .add_partition_offset(self.topic, self.partition, Offset::Offset(time))
            .map_err(self.failed("a time"))?;
        let found = self
            .consumer
            .offsets_for_times(wanted, REQUEST)
            .map_err(self.failed("the offset of a time"))?;
        Ok(found.elements().first().and_then(|element| match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }))
    }

    fn within(&self, wanted: i64, low: i64, high: i64) -> Result<i64, SourceError> {
        if (low..=high).contains(&wanted) {
            return Ok(wanted);
        }
        if wanted > high {
            let Self { topic, partition, .. } = self;
            return Err(SourceError::Mismatch(format!(
                "`source.kafka.start`: partition {partition} of `{topic}` ends at offset {high}, before {wanted}"
            )));
        }
        Err(SourceError::Gap {
            topic: self.topic.to_owned(),
            partition: self.partition,
            wanted,
            detail: format!("it has {low} to {high}"),
        })
    }
}
