//! Why dead letters cannot be written, read or replayed.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::DeadLetter;
use crate::sink::SinkError;

/// Why invalid messages cannot be kept or sent again.
#[derive(Debug, Error)]
pub enum DeadLetterError {
    /// The pipeline wants no message that is not a sample.
    #[error(
        "message {} in partition {} of `{}` is not a sample: {}\n\
         hint: correct what writes it, or have such messages kept: dead_letters.on_error = \
         \"dead_letter\"",
        .0.offset, .0.partition, .0.topic, .0.reason
    )]
    Fail(Box<DeadLetter>),
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
    /// A line of a file of dead letters is none.
    #[error("line {line} of `{}` is not a dead letter: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The problem.
        reason: serde_json::Error,
    },
    /// Kafka refused.
    #[error("{action} on `{brokers}`: {reason}{hint}")]
    Kafka {
        /// The action that failed.
        action: String,
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The message of librdkafka.
        reason: String,
        /// A hint on a line of its own; may be empty.
        hint: &'static str,
    },
    /// The topic cannot be created.
    #[error(transparent)]
    Topic(#[from] SinkError),
    /// The thread that writes them failed.
    #[error("writing dead letters: {0:#}")]
    Other(anyhow::Error),
}

impl DeadLetterError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
