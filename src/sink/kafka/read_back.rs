//! Reading back the versions in a topic.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::bookmark::Bookmark;
use super::event::Event;
use super::failed::Failed;
use super::link::{Link, PART};
use super::producer::Producer;
use crate::kafka::{ClientReports, drop_client};
use crate::sink::{Published, SinkError};

/// Offsets of each partition.
type Ranges = BTreeMap<i32, Range<i64>>;

const REQUEST: Duration = Duration::from_secs(2);

/// How long a transaction may be open without being noticed.
const UNNOTICED: Duration = Duration::from_secs(2);

/// Between two looks at open transactions.
const PAUSE: Duration = Duration::from_millis(20);

/// The time between two log lines about a long operation.
const SILENCE: Duration = Duration::from_secs(10);

/// How long a reader that has not taken the topic over waits for open transactions.
const READER_WAIT: Duration = Duration::from_secs(30);

/// What a topic has.
pub(super) struct ReadBack {
    /// The versions of the model that were published.
    pub(super) found: Vec<Published>,
    /// The bookmark after them.
    pub(super) end: Bookmark,
    /// Events that were sent, and that brokers have lost when they lost the end of a transaction. They must
    /// be published again, before all others.
    pub(super) lost: Vec<Event>,
}

/// Reads back the versions of the model that were published from `from` on.
///
/// The end is the current end of the topic, including uncommitted messages. An open transaction of another
/// job may be before the messages of this model, and readers of committed messages see those only when it
/// has ended. With a `producer`, which has taken the topic over, the wait has no limit. Without one it
/// lasts half a minute, and messages after the transaction are left out.
pub(super) fn read_back(
    link: &Link,
    from: &Bookmark,
    producer: Option<&Producer>,
) -> Result<ReadBack, Failed> {
    let (consumer, _reports) = link.consumer("read_uncommitted")?;
    let read =
        ends(link, &consumer, from).and_then(|ends| Ok((last(link, &consumer, from)?, ends)));
    drop_client(consumer);
    let (last, mut ends) = read?;
    let (consumer, _reports) = link.consumer("read_committed")?;
    let stable = OpenTransactions { link, consumer: &consumer, producer };
    let read = stable.wait(&mut ends).and_then(|leftover| {
        let mut found = Vec::new();
        scan(link, &consumer, &ends, |event| found.push(event.published))?;
        let lost = match producer {
            Some(_) => lost(link, &consumer, &Suspects { last, leftover }, &found)?,
            None => Vec::new(),
        };
        Ok((found, lost))
    });
    drop_client(consumer);
    let (found, lost) = read?;
    let mut end = from.clone();
    for (partition, range) in &ends {
        end.reach(*partition, range.end);
    }
    Ok(ReadBack { found, end, lost })
}

/// Where brokers may have lost the end of a transaction.
struct Suspects {
    /// The last known event of each partition.
    last: Ranges,
    /// Transactions that did not end by themselves.
    leftover: Ranges,
}

/// The events that were sent and are not committed, except versions that were `found`. `committed` reads
/// only committed messages.
///
/// A broker that dies may lose the end of a transaction of which its coordinator has said that it is
/// committed. Its message is then aborted: by the brokers, or by the next producer with the same id.
fn lost(
    link: &Link,
    committed: &BaseConsumer<ClientReports>,
    suspects: &Suspects,
    found: &[Published],
) -> Result<Vec<Event>, Failed> {
    let Suspects { last, leftover } = suspects;
    let mut ranges = last.clone();
    for (partition, range) in leftover {
        let suspect = ranges.entry(*partition).or_insert_with(|| range.clone());
        *suspect = suspect.start.min(range.start)..suspect.end.max(range.end);
    }
    let identity = |there: &Published| (there.run.clone(), there.version);
    let mut known: BTreeSet<(String, u64)> = found.iter().map(identity).collect();
    let mut events = 0;
    scan(link, committed, &ranges, |event| {
        events += 1;
        known.insert(identity(&event.published));
    })?;
    let mut lost = Vec::new();
    if leftover.is_empty() && events == ranges.len() {
        return Ok(lost);
    }
    let (consumer, _reports) = link.consumer("read_uncommitted")?;
    let read = scan(link, &consumer, &ranges, |event| {
        // a version that was sent again later is there.
        lost.extend(known.insert(identity(&event.published)).then_some(event));
    });
    drop_client(consumer);
    read.map(|()| lost)
}

/// For each partition with a bookmark, the message before it.
fn last(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    from: &Bookmark,
) -> Result<Ranges, Failed> {
    let mut ranges = Ranges::new();
    for (partition, offset) in from.offsets() {
        let watermarks = consumer.fetch_watermarks(&link.config.topic, partition, REQUEST);
        let (low, high) = watermarks.map_err(|error| link.failed("reading", &error))?;
        if low < offset && offset <= high {
            ranges.insert(partition, offset - 1..offset);
        }
    }
    Ok(ranges)
}

/// For each partition, the range that must be read.
fn ends(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    from: &Bookmark,
) -> Result<Ranges, Failed> {
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

/// Visits the events of the model in these ranges.
fn scan(
    link: &Link,
    consumer: &BaseConsumer<ClientReports>,
    ranges: &Ranges,
    mut visit: impl FnMut(Event),
) -> Result<(), Failed> {
    let topic = &link.config.topic;
    let mut open: BTreeMap<_, _> = ranges.iter().filter(|(_, range)| !range.is_empty()).collect();
    let mut assignment = TopicPartitionList::new();
    for (partition, range) in &open {
        let offset = Offset::Offset(range.start);
        let added = assignment.add_partition_offset(topic, **partition, offset);
        added.map_err(|error| link.failed("reading", &error))?;
    }
    consumer.assign(&assignment).map_err(|error| link.failed("reading", &error))?;
    while !open.is_empty() {
        if link.stop.raised() {
            return Err(SinkError::Stopped.into());
        }
        match consumer.poll(Duration::from_millis(50)) {
            None => {}
            Some(Ok(message)) => {
                let after = message.offset() >= ranges[&message.partition()].end;
                Event::read(&message, &link.model).filter(|_| !after).map(&mut visit);
            }
            // all messages up to the end have ended before they are read: this is after the end.
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
            Some(Err(error)) => return Err(link.failed("reading", &error)),
        }
    }
    Ok(())
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
    /// ends to where that is so after a while. Returns ranges with transactions that this producer may have
    /// aborted, because they would never have ended.
    fn wait(&self, ends: &mut Ranges) -> Result<Ranges, Failed> {
        let mut leftover = Ranges::new();
        for (partition, range) in ends {
            let from = &mut None;
            range.end = self.wait_in(*partition, range.end, from)?.max(range.start);
            leftover.extend(from.map(|from| (*partition, from..range.end)));
        }
        Ok(leftover)
    }

    /// `leftover` becomes the offset of the first open transaction, if this producer ends what an earlier
    /// one has left open.
    fn wait_in(&self, partition: i32, end: i64, leftover: &mut Option<i64>) -> Result<i64, Failed> {
        let topic = &self.link.config.topic;
        let (begun, mut last_report) = (Instant::now(), None::<Instant>);
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
            if let Some(producer) = self.producer
                && leftover.is_none()
                && begun.elapsed() > UNNOTICED
            {
                *leftover = Some(stable);
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
