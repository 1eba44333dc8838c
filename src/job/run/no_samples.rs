//! The error of a stream in which no message is a sample.

use thiserror::Error;

use crate::dead_letters::MostFrequentError;

/// None of the messages that were read is a sample.
#[derive(Clone, Debug, Error)]
#[error(
    "none of {messages} messages is a sample{}{}\n\
     hint: does the codec match the messages? to skip them, set dead_letters.on_error = \"skip\"",
    reason(most_frequent.as_ref()),
    place.as_ref().map(|place| format!("; they are in {place}")).unwrap_or_default()
)]
pub struct NoSamples {
    /// Number of messages.
    pub messages: u64,
    /// The most frequent error since the start of the process.
    pub most_frequent: Option<MostFrequentError>,
    /// The place of their dead letters.
    pub place: Option<String>,
}

fn reason(most_frequent: Option<&MostFrequentError>) -> String {
    most_frequent.map_or_else(String::new, |found| {
        format!(": {} have error `{}`, the first: {}", found.messages, found.class, found.reason)
    })
}
