//! Errors of Kafka clients.

use rdkafka::error::KafkaError;

/// Kafka rejected a request and would reject it again.
#[derive(Debug, thiserror::Error)]
#[error("{action} on `{brokers}`: {reason}{hint}")]
pub struct RequestError {
    /// The action that failed.
    pub action: String,
    /// The brokers, as the pipeline names them.
    pub brokers: String,
    /// The message of librdkafka.
    pub reason: String,
    /// A hint on a separate line; may be empty.
    pub hint: &'static str,
}

/// The message of librdkafka without the names of its functions.
pub(crate) fn describe(error: &KafkaError) -> String {
    // its text would contain the property's value.
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
