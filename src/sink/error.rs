//! Why a version cannot be published.

use std::path::PathBuf;

use thiserror::Error;

use crate::kafka::{NoValue, RequestError};

/// Why a model version could not be published.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The file system refused.
    #[error("{action} `{}`", path.display())]
    Io {
        /// The action that failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason that the system gives.
        source: std::io::Error,
    },
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
    /// A broker does not let us in.
    #[error(
        "`{brokers}` refused the login: {detail}\n\
         hint: user, password and mechanism stand in `sink.kafka.properties`, by default in those \
         of the source"
    )]
    Refused {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The answer of the broker.
        detail: String,
    },
    /// The value of a property is not where it is said to be.
    #[error("`sink.kafka.properties`: {0}")]
    NoValue(#[from] NoValue),
    /// Kafka refused, and will refuse again.
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
    /// The same version is there with other weights.
    #[error(
        "version {version} was published with the digest {there}, but was made again with {made}\n\
         hint: the same data and seeds made other weights: did the machine, the program or the \
         pipeline change?"
    )]
    Conflict {
        /// The version's number.
        version: u64,
        /// SHA-256 of what is there.
        there: String,
        /// SHA-256 of the version that was to be published.
        made: String,
    },
    /// All were asked to give up.
    #[error("stopped before all was published")]
    Stopped,
}
