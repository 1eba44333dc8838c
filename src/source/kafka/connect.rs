use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;

use crate::source::SourceError;

/// How long a broker is waited for at the start.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(5);

/// Sends librdkafka's words to our log, where they say more than its own lines on stderr.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
    }
}

impl ConsumerContext for Quiet {}

/// A consumer's metadata of all topics, once a broker answers; tries again with growing pauses.
///
/// # Errors
/// [`SourceError::Unreachable`] after half a minute without an answer.
pub(super) fn wait_for_broker<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    brokers: &str,
) -> Result<Metadata, SourceError> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(250);
    loop {
        match consumer.fetch_metadata(None, REQUEST) {
            Ok(metadata) => return Ok(metadata),
            Err(error) if begun.elapsed() > PATIENCE => {
                let detail = describe(&error);
                return Err(SourceError::Unreachable { brokers: brokers.to_owned(), detail });
            }
            Err(error) => {
                let left = PATIENCE.saturating_sub(begun.elapsed()).as_secs();
                tracing::warn!(brokers, error = describe(&error), "no broker yet; {left} s left");
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_secs(4));
            }
        }
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
