//! Errors of publication.

use thiserror::Error;

use crate::atomic_write::FileError;
use crate::kafka::{NoValue, RequestError};

/// The error if a model version cannot be published.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The file system returned an error.
    #[error(transparent)]
    Io(#[from] FileError),
    /// No broker answers.
    #[error(
        "no answer from `{brokers}`: {detail}\n\
         hint: is it running, and is `sink.kafka.brokers` its address?"
    )]
    Unreachable {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The last message of the client.
        detail: String,
    },
    /// A broker denies the login.
    #[error(
        "`{brokers}` refused the login: {detail}\n\
         hint: user, password and mechanism are set in `sink.kafka.properties`, by default in \
         those of the source"
    )]
    Refused {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The answer of the broker.
        detail: String,
    },
    /// The source of a property's value does not exist.
    #[error("`sink.kafka.properties`: {0}")]
    NoValue(#[from] NoValue),
    /// Kafka rejected a request and would reject it again.
    #[error(transparent)]
    Kafka(#[from] RequestError),
    /// Another job publishes under the same name.
    #[error(
        "another job publishes `{model}` to topic `{topic}`: {by}\n\
         hint: a model has one publisher: end one of the jobs, or give it another `name` or topic"
    )]
    Fenced {
        /// The model.
        model: String,
        /// The topic.
        topic: String,
        /// The other job.
        by: String,
    },
    /// The same version was published with other weights.
    #[error(
        "version {version} was published with digest {there}, but training it again gave digest \
         {made}\n\
         hint: the same data and seeds gave other weights: did the machine, the program or the \
         pipeline change?"
    )]
    Conflict {
        /// The version's number.
        version: u64,
        /// SHA-256 of the published version.
        there: String,
        /// SHA-256 of the version to be published.
        made: String,
    },
    /// The job is shutting down.
    #[error("stopped before all versions were published")]
    Stopped,
}
