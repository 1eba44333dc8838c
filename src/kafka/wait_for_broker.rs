//! Waits until a broker answers.

use std::time::{Duration, Instant};

use driftmill_operators::Span;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::Metadata;

use super::{ClientReports, describe};

/// Time limit of later attempts, and the pause between them. The first attempts are shorter.
const PAUSE: Duration = Duration::from_secs(4);

/// The reason why no broker answers.
pub(crate) enum NoAnswer {
    /// The startup timeout has passed. Contains the last message of the client.
    Unreachable(String),
    /// A broker denies access. Contains its message.
    Refused(String),
}

/// Waits for a broker and returns the metadata of all topics. Tries again with growing pauses.
///
/// # Errors
/// When the startup timeout has passed, and at once when a broker denies the login.
pub(crate) fn wait_for_broker(
    consumer: &BaseConsumer<ClientReports>,
    reports: &ClientReports,
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
        poll_for(consumer, pause.min(left()).max(Duration::from_millis(50)));
        if let Some(detail) = reports.refused() {
            return Err(NoAnswer::Refused(detail));
        }
        let detail = reports.trouble().unwrap_or_else(|| describe(&error));
        if left().is_zero() {
            return Err(NoAnswer::Unreachable(detail));
        }
        tracing::warn!("no answer from `{brokers}`: {detail}; {} s left", left().as_secs());
        pause = (pause * 2).min(PAUSE);
    }
}

/// Polls a consumer without partitions for `time`: librdkafka reports problems only while it is polled.
fn poll_for(consumer: &BaseConsumer<ClientReports>, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        consumer.poll(Duration::from_millis(50));
    }
}
