use std::path::PathBuf;

use thiserror::Error;

/// Why a model version could not be published.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The file system refused.
    #[error("{action} `{}`", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Kafka refused.
    #[error(
        "{action} on `{brokers}`: {reason}\n\
         hint: is a broker running, and is this its address?"
    )]
    Kafka {
        /// What was attempted.
        action: String,
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// What librdkafka said.
        reason: Box<rdkafka::error::KafkaError>,
    },
}
