use std::sync::Arc;
use std::time::Duration;

use driftmill_datasets::DecodeError;
use driftmill_datasets::codec::{Codec, CodecTable};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::Kafka;
use super::connect::{Quiet, describe};
use crate::source::{Fetched, Partition, Progress, RawMessage, Reader, SourceError};

/// One worker's consumer, with a queue of its own for each partition: one that is not polled holds
/// up no other.
pub(super) struct KafkaReader {
    consumer: Arc<BaseConsumer<Quiet>>,
    slots: Vec<Slot>,
    codec: Box<dyn Codec>,
}

struct Slot {
    partition: Partition,
    queue: PartitionQueue<Quiet>,
    done: bool,
}

impl KafkaReader {
    pub(super) fn open(
        kafka: &Kafka,
        partitions: &[Partition],
        codec: &CodecTable,
    ) -> Result<Self, SourceError> {
        let failed = |action: &str| {
            let action = action.to_owned();
            move |source| SourceError::Kafka { action, source }
        };
        let consumer: BaseConsumer<Quiet> = kafka
            .client()
            .create_with_context(Quiet)
            .map_err(failed("starting a Kafka consumer"))?;
        let consumer = Arc::new(consumer);
        let mut assignment = TopicPartitionList::new();
        for part in partitions {
            let offset = Offset::Offset(part.start as i64);
            assignment
                .add_partition_offset(&part.topic, i32::from(part.partition), offset)
                .map_err(failed("assigning partitions"))?;
        }
        consumer.assign(&assignment).map_err(failed("assigning partitions"))?;
        let slots = partitions
            .iter()
            .map(|part| {
                let queue = consumer
                    .split_partition_queue(&part.topic, i32::from(part.partition))
                    .ok_or_else(|| SourceError::NoTopic {
                        topic: part.topic.clone(),
                        brokers: kafka.brokers.clone(),
                        hint: String::new(),
                    })?;
                let done = part.end == Some(part.start);
                Ok(Slot { partition: part.clone(), queue, done })
            })
            .collect::<Result<_, SourceError>>()?;
        Ok(Self { consumer, slots, codec: codec.init() })
    }

    /// Serves what belongs to no partition: errors of the whole consumer.
    fn poll_events(&self) -> Result<(), SourceError> {
        match self.consumer.poll(Duration::ZERO) {
            Some(Err(error)) => tolerate(error, "reading from Kafka"),
            _ => Ok(()),
        }
    }
}

impl Reader for KafkaReader {
    fn poll(
        &mut self,
        slot: usize,
        most: usize,
        fetched: &mut Fetched<'_>,
    ) -> Result<Progress, SourceError> {
        self.poll_events()?;
        let slot = &mut self.slots[slot];
        for _ in 0..most {
            if slot.done {
                return Ok(Progress::End);
            }
            match slot.queue.poll(Duration::ZERO) {
                None => return Ok(Progress::Wait),
                Some(Ok(message)) => {
                    let offset = message.offset() as u64;
                    if slot.partition.end.is_some_and(|end| offset >= end) {
                        slot.done = true;
                        continue;
                    }
                    take(&message, &mut *self.codec, fetched);
                    slot.done = slot.partition.end == Some(offset + 1);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    slot.done = slot.partition.end.is_some_and(|end| {
                        position(&self.consumer, &slot.partition).is_some_and(|at| at >= end)
                    });
                }
                Some(Err(error)) => slot.failed(error)?,
            }
        }
        Ok(if slot.done { Progress::End } else { Progress::More })
    }
}

impl Slot {
    fn failed(&self, error: KafkaError) -> Result<(), SourceError> {
        let reset = [RDKafkaErrorCode::AutoOffsetReset, RDKafkaErrorCode::OffsetOutOfRange];
        if error.rdkafka_error_code().is_some_and(|code| reset.contains(&code)) {
            return Err(SourceError::Gap {
                topic: self.partition.topic.clone(),
                partition: i32::from(self.partition.partition),
                wanted: self.partition.start as i64,
                detail: describe(&error),
            });
        }
        tolerate(
            error,
            &format!(
                "reading partition {} of `{}`",
                self.partition.partition, self.partition.topic
            ),
        )
    }
}

/// The consumer's position: behind transaction markers, which are never delivered.
fn position(consumer: &BaseConsumer<Quiet>, partition: &Partition) -> Option<u64> {
    let positions = consumer.position().ok()?;
    let element = positions.find_partition(&partition.topic, i32::from(partition.partition))?;
    match element.offset() {
        Offset::Offset(offset) => Some(offset as u64),
        _ => None,
    }
}

/// Goes on after what librdkafka mends by itself, for as long as it takes.
fn tolerate(error: KafkaError, action: &str) -> Result<(), SourceError> {
    let gone = [
        RDKafkaErrorCode::UnknownTopic,
        RDKafkaErrorCode::UnknownTopicOrPartition,
        RDKafkaErrorCode::UnknownPartition,
        RDKafkaErrorCode::TopicAuthorizationFailed,
        RDKafkaErrorCode::Fatal,
    ];
    if error.rdkafka_error_code().is_some_and(|code| gone.contains(&code)) {
        return Err(SourceError::Kafka { action: action.to_owned(), source: error });
    }
    tracing::warn!(error = describe(&error), "{action}: trying again");
    Ok(())
}

fn take(message: &BorrowedMessage<'_>, codec: &mut dyn Codec, fetched: &mut Fetched<'_>) {
    let raw = RawMessage {
        offset: message.offset() as u64,
        timestamp: message.timestamp().to_millis(),
        key: message.key(),
        payload: message.payload().unwrap_or_default(),
    };
    if raw.payload.is_empty() {
        return fetched.refuse(raw, DecodeError::Empty);
    }
    match codec.decode(raw.payload, &mut fetched.columns) {
        Ok(()) => fetched.accept(raw),
        Err(error) => fetched.refuse(raw, error),
    }
}
