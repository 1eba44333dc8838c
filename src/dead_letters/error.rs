//! Why dead letters cannot be written, read or replayed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::DeadLetter;
use crate::kafka::{ClientReports, NoValue, RequestError};

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
    #[error(transparent)]
    Kafka(#[from] RequestError),
    /// The value of a property is not where it is said to be.
    #[error("`dead_letters.properties`: {0}")]
    NoValue(#[from] NoValue),
    /// The brokers do not answer.
    #[error(
        "no answer from `{brokers}` for {seconds} s: {detail}\nhint: is it running, and is this its address?"
    )]
    Unreachable {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// How long there was no answer.
        seconds: u64,
        /// The last message of the client.
        detail: String,
    },
    /// All were asked to give up.
    #[error("stopped before all dead letters were written")]
    Stopped,
    /// The thread that writes them failed.
    #[error("writing dead letters: {0:#}")]
    Other(anyhow::Error),
}

impl DeadLetterError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// The error when the brokers did not answer for `time`.
    pub(super) fn unreachable(brokers: &str, time: Duration, reports: &ClientReports) -> Self {
        let detail = reports.trouble().unwrap_or_else(|| "no answer".to_owned());
        Self::Unreachable { brokers: brokers.to_owned(), seconds: time.as_secs(), detail }
    }
}
