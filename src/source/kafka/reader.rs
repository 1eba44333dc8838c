//! A reader of the partitions of one worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use driftmill_datasets::codec::CodecTable;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::config::{Kafka, Until};
use super::connect::consumer;
use super::labels::LabelDecoder;
use super::samples::SampleDecoder;
use super::topic_watch::TopicWatch;
use crate::kafka::{ClientReports, describe};
use crate::source::{Fetched, InvalidReason, Partition, Progress, RawMessage, Reader, SourceError};

/// The consumer of one worker, with a separate queue for each partition. A partition that is not polled
/// does not delay others.
pub(super) struct KafkaReader {
    consumer: Arc<BaseConsumer<ClientReports>>,
    reports: ClientReports,
    watch: TopicWatch,
    slots: Vec<Slot>,
    samples: SampleDecoder,
    /// The decoder of the topic of labels, with the index of that topic.
    labels: Option<(u8, LabelDecoder)>,
    /// Maximum number of bytes of a message.
    most: usize,
    /// Whether the stream has no end.
    endless: bool,
    /// The time at which an outage was last reported.
    last_report: Option<Instant>,
}

/// The time between two log lines about the same outage. librdkafka reports every attempt to reconnect.
const SILENCE: Duration = Duration::from_secs(10);

struct Slot {
    partition: Partition,
    queue: PartitionQueue<ClientReports>,
    /// The offset after the last message that was polled.
    next: u64,
    /// If the end is not known yet, the timestamp at or after which it is, in milliseconds since 1970.
    until: Option<i64>,
    done: bool,
}

impl KafkaReader {
    pub(super) fn open(
        kafka: &Kafka,
        partitions: &[Partition],
        codec: &CodecTable,
    ) -> Result<Self, SourceError> {
        let (consumer, reports) = consumer(kafka, partitions.len())?;
        let consumer = Arc::new(consumer);
        let failed =
            |source| SourceError::Kafka { action: "assigning partitions".to_owned(), source };
        let until = match kafka.until {
            Some(Until::Time(time)) => Some(time.millis()),
            _ => None,
        };
        let mut assignment = TopicPartitionList::new();
        let mut slots = Vec::new();
        for part in partitions {
            let number = i32::from(part.partition);
            let offset = Offset::Offset(part.start as i64);
            assignment.add_partition_offset(&part.topic, number, offset).map_err(failed)?;
            // split before it is assigned: no message may arrive in the queue of the whole consumer.
            let queue = consumer.split_partition_queue(&part.topic, number);
            let queue = queue.expect("a consumer has a queue for every partition");
            slots.push(Slot {
                next: part.start,
                until: until.filter(|_| part.end.is_none()),
                done: part.end == Some(part.start),
                partition: part.clone(),
                queue,
            });
        }
        consumer.assign(&assignment).map_err(failed)?;
        let watch = TopicWatch::start(&consumer, partitions);
        let labels = kafka.labels.as_ref().map(|labels| labels.decoder());
        let labels = labels.map(|decoder| (kafka.topics.len() as u8, decoder));
        Ok(Self {
            consumer,
            reports,
            watch,
            slots,
            samples: SampleDecoder::new(codec),
            labels,
            most: kafka.max_message.map_or(usize::MAX, usize::from),
            endless: kafka.until.is_none(),
            last_report: None,
        })
    }

    /// Handles events that belong to no partition: errors of the whole consumer, and statistics.
    fn poll_events(&mut self) -> Result<(), SourceError> {
        let Some(Err(error)) = self.consumer.poll(Duration::ZERO) else { return Ok(()) };
        fatal(&error, "reading from Kafka")?;
        if self.last_report.is_none_or(|last_report| last_report.elapsed() > SILENCE) {
            self.last_report = Some(Instant::now());
            let trouble = self.reports.trouble().unwrap_or_else(|| describe(&error));
            tracing::warn!("reading from Kafka: {trouble}; trying again");
        }
        Ok(())
    }
}

impl Reader for KafkaReader {
    fn poll(&mut self, slot: usize, fetched: &mut Fetched<'_>) -> Result<Progress, SourceError> {
        self.poll_events()?;
        if !self.watch.is_confirmed()? {
            return Ok(Progress::Wait);
        }
        let slot = &mut self.slots[slot];
        for _ in 0..fetched.limit {
            if slot.done {
                return Ok(Progress::End);
            }
            match slot.queue.poll(Duration::ZERO) {
                None => return Ok(Progress::Wait),
                Some(Ok(message)) => {
                    let offset = message.offset() as u64;
                    if slot.is_beyond(&message) {
                        slot.done = true;
                        continue;
                    }
                    let message = raw(&message);
                    let bytes = message.payload.len() + message.key.map_or(0, <[u8]>::len);
                    match &mut self.labels {
                        _ if bytes > self.most => {
                            fetched
                                .reject(message, InvalidReason::Large { bytes, most: self.most });
                        }
                        Some((index, decoder)) if *index == slot.partition.topic_index => {
                            decoder.take(message, fetched);
                        }
                        _ => self.samples.take(message, fetched),
                    }
                    slot.next = offset + 1;
                    slot.done = slot.partition.end == Some(slot.next);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    // transaction markers are never delivered, but they advance the position.
                    let at = position(&self.consumer, &slot.partition);
                    slot.next = at.map_or(slot.next, |at| at.max(slot.next));
                    slot.done = slot.partition.end.is_some_and(|end| slot.next >= end);
                }
                Some(Err(error)) => slot.failed(error)?,
            }
        }
        Ok(if slot.done { Progress::End } else { Progress::More })
    }

    fn trouble(&self) -> Option<String> {
        self.reports.outage().filter(|_| !self.slots.is_empty())
    }

    fn partitions(&self, slot: usize) -> Option<usize> {
        let topic = &self.slots[slot].partition.topic;
        self.reports.partitions(topic).filter(|_| self.endless)
    }

    fn open_transaction(&self, slot: usize) -> Option<u64> {
        let Slot { partition, next, done, .. } = &self.slots[slot];
        let ends = self.reports.ends(&partition.topic, partition.partition)?;
        let stable =
            ends.stable.filter(|_| !done && partition.end.is_none_or(|end| *next < end))?;
        (*next >= stable && stable < ends.newest).then_some(stable)
    }

    fn left(&self, slot: usize) -> Option<u64> {
        let Slot { partition, next, done, .. } = &self.slots[slot];
        let newest = || Some(self.reports.ends(&partition.topic, partition.partition)?.newest);
        let end = if *done { Some(*next) } else { partition.end.or_else(newest) };
        end.map(|end| end.saturating_sub(*next))
    }
}

impl Slot {
    /// Whether a message is beyond the partition's end.
    fn is_beyond(&self, message: &BorrowedMessage<'_>) -> bool {
        let late = |until| message.timestamp().to_millis().is_some_and(|time| time >= until);
        self.partition.end.is_some_and(|end| message.offset() as u64 >= end)
            || self.until.is_some_and(late)
    }

    fn failed(&self, error: KafkaError) -> Result<(), SourceError> {
        let reset = [RDKafkaErrorCode::AutoOffsetReset, RDKafkaErrorCode::OffsetOutOfRange];
        if error.rdkafka_error_code().is_some_and(|code| reset.contains(&code)) {
            return Err(SourceError::Gap {
                topic: self.partition.topic.clone(),
                partition: i32::from(self.partition.partition),
                wanted: self.next as i64,
                detail: describe(&error),
            });
        }
        let Partition { topic, partition, .. } = &self.partition;
        let missing = [
            RDKafkaErrorCode::UnknownTopic,
            RDKafkaErrorCode::UnknownTopicOrPartition,
            RDKafkaErrorCode::UnknownPartition,
        ];
        if error.rdkafka_error_code().is_some_and(|code| missing.contains(&code)) {
            return Err(SourceError::Deleted { topic: topic.clone(), partition: *partition });
        }
        let action = format!("reading partition {partition} of `{topic}`");
        fatal(&error, &action)?;
        tracing::warn!("{action}: {}; trying again", describe(&error));
        Ok(())
    }
}

/// The consumer's position after transaction markers, which are never delivered.
fn position(consumer: &BaseConsumer<ClientReports>, partition: &Partition) -> Option<u64> {
    let positions = consumer.position().ok()?;
    let element = positions.find_partition(&partition.topic, i32::from(partition.partition))?;
    match element.offset() {
        Offset::Offset(offset) => Some(offset as u64),
        _ => None,
    }
}

/// Fails on errors that librdkafka does not repair by itself. All others may take as long as needed.
fn fatal(error: &KafkaError, action: &str) -> Result<(), SourceError> {
    let missing = [
        RDKafkaErrorCode::UnknownTopic,
        RDKafkaErrorCode::UnknownTopicOrPartition,
        RDKafkaErrorCode::UnknownPartition,
        RDKafkaErrorCode::TopicAuthorizationFailed,
        RDKafkaErrorCode::Fatal,
    ];
    if error.rdkafka_error_code().is_some_and(|code| missing.contains(&code)) {
        return Err(SourceError::Kafka { action: action.to_owned(), source: error.clone() });
    }
    Ok(())
}

fn raw<'a>(message: &'a BorrowedMessage<'_>) -> RawMessage<'a> {
    RawMessage {
        offset: message.offset() as u64,
        timestamp: message.timestamp().to_millis(),
        key: message.key(),
        payload: message.payload().unwrap_or_default(),
    }
}
