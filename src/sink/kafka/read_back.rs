//! Reading back the versions in a topic.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::bookmark::Bookmark;
use super::event::published;
use super::failed::Failed;
use super::link::{Link, PART};
use super::producer::Producer;
use crate::kafka::{ClientReports, drop_client};
use crate::sink::{Published, SinkError};

const REQUEST: Duration = Duration::from_secs(2);

/// How long a transaction may be open without being noticed.
const UNNOTICED: Duration = Duration::from_secs(2);

/// Between two looks at open transactions.
const PAUSE: Duration = Duration::from_millis(20);

/// The time between two log lines about a long operation.
const SILENCE: Duration = Duration::from_secs(10);

/// How long a reader that has not taken the topic over waits for open transactions.
const READER_WAIT: Duration = Duration::from_secs(30);

/// The versions of the model that were published from `from` on, and the bookmark after them.
///
/// The end is the current end of the topic, including uncommitted messages. An open transaction of another
/// job may be before the messages of this model, and readers of committed messages see those only when it
/// has ended. With a `producer`, which has taken the topic over, the wait has no limit. Without one it
/// lasts half a minute, and messages after the transaction are left out.
pub(super) fn read_back(
    link: &Link,
    from: &Bookmark,
    producer: Option<&Producer>,
) -> Result<(Vec<Published>, Bookmark), Failed> {
    let (consumer, _reports) = link.consumer("read_uncommitted")?;
    let ends = ends(link, &consumer, from);
    drop_client(consumer);
    let mut ends = ends?;
    let (consumer, _reports) = link.consumer("read_committed")?;
    let stable = OpenTransactions { link, consumer: &consumer, producer };
    let found = stable.wait(&mut ends).and_then(|()| scan(link, &consumer, &ends));
    drop_client(consumer);
    let mut end = from.clone();
    for (partition, range) in &ends {
        end.reach(*partition, range.end);
    }
    Ok((found?, end))
}

/// For each partition, the range that must be read.
fn ends(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    from: &Bookmark,
) -> Result<BTreeMap<i32, Range<i64>>, Failed> {
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
        // a bookmark of a topic that was deleted and created again is invalid.
        let start = from.of(partition).filter(|offset| (low..=high).contains(offset));
        ends.insert(partition, start.unwrap_or(low)..high);
    }
    Ok(ends)
}

/// Reads committed messages of all partitions up to their ends.
fn scan(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    ends: &BTreeMap<i32, Range<i64>>,
) -> Result<Vec<Published>, Failed> {
    let topic = &link.config.topic;
    let mut open: BTreeMap<_, _> = ends.iter().filter(|(_, range)| !range.is_empty()).collect();
    let mut assignment = TopicPartitionList::new();
    for (partition, range) in &open {
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
            // all messages up to the end were committed before they were read: this is after the end.
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(error)) => return Err(link.failed("reading", &error)),
        }
    }
    Ok(found)
}

/// Waits for the end of transactions that are open in the topic.
struct OpenTransactions<'a> {
    link: &'a Link,
    consumer: &'a BaseConsumer<ClientReports>,
    /// The producer that has taken the topic over.
    producer: Option<&'a Producer>,
}

impl OpenTransactions<'_> {
    /// Waits until all that is there before `ends` is committed or aborted; without a producer, moves
    /// ends to where that is so after a while.
    fn wait(&self, ends: &mut BTreeMap<i32, Range<i64>>) -> Result<(), Failed> {
        for (partition, range) in ends {
            range.end = self.wait_in(*partition, range.end)?.max(range.start);
        }
        Ok(())
    }

    fn wait_in(&self, partition: i32, end: i64) -> Result<i64, Failed> {
        let topic = &self.link.config.topic;
        let (begun, mut last_report, mut tried) = (Instant::now(), None::<Instant>, false);
        loop {
            let stable = self.consumer.fetch_watermarks(topic, partition, REQUEST);
            let (_, stable) = stable.map_err(|error| self.link.failed("reading", &error))?;
            if stable >= end {
                return Ok(end);
            }
            if self.producer.is_none() && begun.elapsed() > READER_WAIT {
                return Ok(stable);
            }
            // brokers may have lost the end of a transaction of a producer with this one's id.
            if let Some(producer) = self.producer.filter(|_| !tried && begun.elapsed() > UNNOTICED)
            {
                tried = true;
                producer.end_leftover(self.link, partition)?;
            }
            if begun.elapsed() > UNNOTICED
                && last_report.is_none_or(|last_report| last_report.elapsed() > SILENCE)
            {
                let reason = format!(
                    "partition {partition} of `{topic}` has an open transaction of another producer \
                     from offset {stable} on"
                );
                tracing::warn!(
                    "{reason}: published versions are read back after it has ended\n\
                     hint: if its producer no longer runs, `kafka-transactions.sh \
                     --bootstrap-server {} abort --topic \
                     {topic} --partition {partition} --start-offset {stable}` ends it",
                    self.link.brokers()
                );
                self.link.stop.outages().begin(PART, &reason);
                last_report = Some(Instant::now());
            }
            if self.link.stop.wait(PAUSE) {
                return Err(SinkError::Stopped.into());
            }
        }
    }
}
