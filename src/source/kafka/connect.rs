//! The connection of a consumer to its brokers.

use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;

use super::config::Kafka;
use crate::kafka::{ClientReports, NoAnswer, wait_for_broker};
use crate::source::SourceError;

/// The amount of data that a consumer prefetches, in kilobytes.
const AHEAD: usize = 64 << 10;

/// A consumer without partitions, and its reports.
///
/// If each of `partitions` has its own queue, librdkafka's limit applies to each queue. The limit is
/// therefore divided among them, so that the memory of a slow job does not grow.
///
/// # Errors
/// [`SourceError::Mismatch`] when its properties are contradictory.
pub(super) fn consumer(
    kafka: &Kafka,
    partitions: usize,
) -> Result<(BaseConsumer<ClientReports>, ClientReports), SourceError> {
    let reports = ClientReports::default();
    let mut client = kafka.client().map_err(|missing| {
        SourceError::Mismatch(format!("`source.kafka.properties`: {missing}"))
    })?;
    let bound = "queued.max.messages.kbytes";
    if client.get(bound).is_none() {
        client.set(bound, (AHEAD / partitions.max(1)).max(1 << 10).to_string());
    }
    match client.create_with_context(reports.clone()) {
        Ok(consumer) => Ok((consumer, reports)),
        Err(KafkaError::ClientCreation(problem) | KafkaError::ClientConfig(_, problem, ..)) => {
            Err(SourceError::Mismatch(format!("`source.kafka.properties`: {problem}")))
        }
        Err(source) => {
            Err(SourceError::Kafka { action: "starting a Kafka consumer".into(), source })
        }
    }
}

/// Waits for a broker and returns the metadata of all topics.
///
/// # Errors
/// [`SourceError::Unreachable`] when the startup timeout has passed, and
/// [`SourceError::Refused`] at once when a broker denies the login.
pub(super) fn broker_of(
    consumer: &BaseConsumer<ClientReports>,
    reports: &ClientReports,
    kafka: &Kafka,
) -> Result<Metadata, SourceError> {
    let metadata = wait_for_broker(consumer, reports, &kafka.brokers, kafka.startup_timeout);
    metadata.map_err(|no_answer| {
        let brokers = kafka.brokers.clone();
        match no_answer {
            NoAnswer::Unreachable(detail) => SourceError::Unreachable { brokers, detail },
            NoAnswer::Refused(detail) => SourceError::Refused { brokers, detail },
        }
    })
}
