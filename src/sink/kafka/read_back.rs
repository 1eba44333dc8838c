//! Reads back which versions a topic has.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::event::published;
use super::{Bookmark, Failed, Link};
use crate::kafka::{ClientReports, drop_client};
use crate::sink::{Published, SinkError};

const REQUEST: Duration = Duration::from_secs(2);

/// Between two lines about something that takes long.
const SILENCE: Duration = Duration::from_secs(10);

/// The versions of the model that were published from `from` on, and the bookmark behind them.
///
/// The end is what is there now, committed or not: a transaction that others have open may lie
/// before what is looked for, which readers of committed messages see only when it has ended.
pub(super) fn read_back(
    link: &Link,
    from: &Bookmark,
) -> Result<(Vec<Published>, Bookmark), Failed> {
    let (consumer, _reports) = link.consumer("read_uncommitted")?;
    let ends = ends(link, &consumer, from);
    drop_client(consumer);
    let ends = ends?;
    let mut end = from.clone();
    for (partition, range) in &ends {
        end.reach(*partition, range.end);
    }
    let (consumer, _reports) = link.consumer("read_committed")?;
    let found = scan(link, &consumer, &ends);
    drop_client(consumer);
    Ok((found?, end))
}

/// Per partition what is to be read of it.
fn ends(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    from: &Bookmark,
) -> Result<BTreeMap<i32, std::ops::Range<i64>>, Failed> {
    let topic = &link.config.topic;
    let failed = |error| link.failed("reading the topic's ends", &error);
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST).map_err(failed)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let partitions = found.map_or(&[][..], |found| found.partitions());
    if partitions.is_empty() {
        return Err(Failed::ForNow("the topic is not known yet".into()));
    }
    let mut ends = BTreeMap::new();
    for partition in partitions.iter().map(|partition| partition.id()) {
        let watermarks = consumer.fetch_watermarks(topic, partition, REQUEST);
        let (low, high) = watermarks.map_err(failed)?;
        // a bookmark of a topic that was deleted and created again says nothing.
        let start = from.of(partition).filter(|offset| (low..=high).contains(offset));
        ends.insert(partition, start.unwrap_or(low)..high);
    }
    Ok(ends)
}

/// Reads committed messages of all partitions up to their ends.
fn scan(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    ends: &BTreeMap<i32, std::ops::Range<i64>>,
) -> Result<Vec<Published>, Failed> {
    let topic = &link.config.topic;
    let mut open: BTreeMap<_, _> = ends.iter().filter(|(_, range)| !range.is_empty()).collect();
    let mut assignment = TopicPartitionList::new();
    for (partition, range) in &open {
        wait_for_committed(link, consumer, **partition, range.end)?;
        let offset = Offset::Offset(range.start);
        let added = assignment.add_partition_offset(topic, **partition, offset);
        added.map_err(|error| link.failed("reading", &error))?;
    }
    consumer.assign(&assignment).map_err(|error| link.failed("reading", &error))?;
    let mut found = Vec::new();
    while !open.is_empty() {
        if link.stop.raised() {
            return Err(SinkError::Stopped.into());
        }
        match consumer.poll(Duration::from_millis(50)) {
            None => {}
            Some(Ok(message)) => {
                found.extend(published(&message, &link.model));
            }
            // all up to the end was committed before it was read: this is behind it.
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(error)) => return Err(link.failed("reading", &error)),
        }
    }
    Ok(found)
}

/// Waits until no transaction is open before `end`.
fn wait_for_committed(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    partition: i32,
    end: i64,
) -> Result<(), Failed> {
    let topic = &link.config.topic;
    let mut told = Instant::now();
    loop {
        let stable = consumer.fetch_watermarks(topic, partition, REQUEST);
        let (_, stable) = stable.map_err(|error| link.failed("reading", &error))?;
        if stable >= end {
            return Ok(());
        }
        if told.elapsed() > SILENCE {
            tracing::warn!("`{topic}` is read back when a transaction of others has ended");
            told = Instant::now();
        }
        if link.stop.wait(Duration::from_millis(20)) {
            return Err(SinkError::Stopped.into());
        }
    }
}
