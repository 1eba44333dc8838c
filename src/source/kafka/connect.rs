//! Connects a consumer to its brokers.

use std::time::{Duration, Instant};

use driftmill_operators::Span;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;

use super::Kafka;
use super::heard::Heard;
use crate::source::SourceError;

/// How long the last attempts take, and the pauses between them; the first are shorter.
const PAUSE: Duration = Duration::from_secs(4);

/// How much a consumer fetches ahead, in kilobytes.
const AHEAD: usize = 64 << 10;

/// A consumer without partitions, and its reports.
///
/// Where each of `partitions` has a queue of its own, librdkafka's bound holds for each of them: it
/// is divided among them, so that a job that reads more slowly than others write stays as large as
/// it is.
///
/// # Errors
/// [`SourceError::Mismatch`] when its properties do not go together.
pub(super) fn consumer(
    kafka: &Kafka,
    partitions: usize,
) -> Result<(BaseConsumer<Heard>, Heard), SourceError> {
    let heard = Heard::default();
    let mut client = kafka.client().map_err(|missing| {
        SourceError::Mismatch(format!("`source.kafka.properties`: {missing}"))
    })?;
    let bound = "queued.max.messages.kbytes";
    if client.get(bound).is_none() {
        client.set(bound, (AHEAD / partitions.max(1)).max(1 << 10).to_string());
    }
    match client.create_with_context(heard.clone()) {
        Ok(consumer) => Ok((consumer, heard)),
        Err(KafkaError::ClientCreation(problem) | KafkaError::ClientConfig(_, problem, ..)) => {
            Err(SourceError::Mismatch(format!("`source.kafka.properties`: {problem}")))
        }
        Err(source) => {
            Err(SourceError::Kafka { action: "starting a Kafka consumer".into(), source })
        }
    }
}

/// Why no broker answers.
pub(crate) enum NoAnswer {
    /// The startup timeout has passed; with the last message of the client.
    Unreachable(String),
    /// A broker denies access; with its message.
    Refused(String),
}

impl NoAnswer {
    fn at(self, brokers: &str) -> SourceError {
        let brokers = brokers.to_owned();
        match self {
            Self::Unreachable(detail) => SourceError::Unreachable { brokers, detail },
            Self::Refused(detail) => SourceError::Refused { brokers, detail },
        }
    }
}

/// The metadata of all topics, once a broker answers.
///
/// # Errors
/// [`SourceError::Unreachable`] when the pipeline's patience is at its end, and
/// [`SourceError::Refused`] at once when a broker does not let us in.
pub(super) fn broker_of(
    consumer: &BaseConsumer<Heard>,
    heard: &Heard,
    kafka: &Kafka,
) -> Result<Metadata, SourceError> {
    let metadata = wait_for_broker(consumer, heard, &kafka.brokers, kafka.startup_timeout);
    metadata.map_err(|silence| silence.at(&kafka.brokers))
}

/// The metadata of all topics, once a broker answers; tries again with growing pauses.
///
/// # Errors
/// When patience is at its end, and at once when a broker does not let us in.
pub(crate) fn wait_for_broker(
    consumer: &BaseConsumer<Heard>,
    heard: &Heard,
    brokers: &str,
    startup_timeout: Span,
) -> Result<Metadata, NoAnswer> {
    let startup_timeout = Duration::from_millis(startup_timeout.millis().unsigned_abs());
    let begun = Instant::now();
    let left = || startup_timeout.saturating_sub(begun.elapsed());
    let mut pause = Duration::from_millis(250);
    loop {
        let error = match consumer.fetch_metadata(None, pause) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        listen(consumer, pause.min(left()).max(Duration::from_millis(50)));
        if let Some(detail) = heard.refused() {
            return Err(NoAnswer::Refused(detail));
        }
        let detail = heard.trouble().unwrap_or_else(|| describe(&error));
        if left().is_zero() {
            return Err(NoAnswer::Unreachable(detail));
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

/// The message of librdkafka without the names of its functions.
pub(crate) fn describe(error: &KafkaError) -> String {
    // its text would show the property's value.
    if let KafkaError::ClientConfig(_, problem, ..) = error {
        return problem.clone();
    }
    let text =
        error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string());
    // `BrokerTransportFailure (Local: Broker transport failure)`
    match text.split_once(" (").and_then(|(_, rest)| rest.strip_suffix(')')) {
        Some(inner) => inner.to_owned(),
        None => text,
    }
}
