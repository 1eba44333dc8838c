use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;

use super::Kafka;
use super::heard::Heard;
use crate::source::SourceError;

/// How long the last attempts take, and the pauses between them; the first are shorter.
const PAUSE: Duration = Duration::from_secs(4);

/// A consumer that has no partitions yet, and what it says.
///
/// # Errors
/// [`SourceError::Mismatch`] when its properties do not go together.
pub(super) fn consumer(kafka: &Kafka) -> Result<(BaseConsumer<Heard>, Heard), SourceError> {
    let heard = Heard::default();
    match kafka.client().create_with_context(heard.clone()) {
        Ok(consumer) => Ok((consumer, heard)),
        Err(KafkaError::ClientCreation(problem)) => {
            Err(SourceError::Mismatch(format!("`source.kafka.properties`: {problem}")))
        }
        // its text would show the property's value.
        Err(KafkaError::ClientConfig(_, problem, ..)) => {
            Err(SourceError::Mismatch(format!("`source.kafka.properties`: {problem}")))
        }
        Err(source) => {
            Err(SourceError::Kafka { action: "starting a Kafka consumer".into(), source })
        }
    }
}

/// The metadata of all topics, once a broker answers; tries again with growing pauses.
///
/// # Errors
/// [`SourceError::Unreachable`] when the pipeline's patience is at its end, and
/// [`SourceError::Refused`] at once when a broker does not let us in.
pub(super) fn wait_for_broker(
    (consumer, heard): (&BaseConsumer<Heard>, &Heard),
    kafka: &Kafka,
) -> Result<Metadata, SourceError> {
    let brokers = &kafka.brokers;
    let patience = Duration::from_millis(kafka.patience.millis().unsigned_abs());
    let begun = Instant::now();
    let left = || patience.saturating_sub(begun.elapsed());
    let mut pause = Duration::from_millis(250);
    loop {
        let error = match consumer.fetch_metadata(None, pause) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        listen(consumer, pause.min(left()).max(Duration::from_millis(50)));
        if let Some(detail) = heard.refused() {
            return Err(SourceError::Refused { brokers: brokers.clone(), detail });
        }
        let detail = heard.trouble().unwrap_or_else(|| describe(&error));
        if left().is_zero() {
            return Err(SourceError::Unreachable { brokers: brokers.clone(), detail });
        }
        tracing::warn!("no answer from `{brokers}`: {detail}; {} s left", left().as_secs());
        pause = (pause * 2).min(PAUSE);
    }
}

/// Has a consumer that has no messages yet say what went wrong, for `time`.
fn listen(consumer: &BaseConsumer<Heard>, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        consumer.poll(Duration::from_millis(50));
    }
}

/// What librdkafka says, without the names of its functions.
pub(super) fn describe(error: &KafkaError) -> String {
    let text =
        error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
    // `BrokerTransportFailure (Local: Broker transport failure)`
    match text.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')')) {
        Some(inner) => inner.to_owned(),
        None => text,
    }
}
