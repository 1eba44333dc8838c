//! Errors of writing, reading and replaying dead letters.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::DeadLetter;
use crate::atomic_write::FileError;
use crate::kafka::{ClientReports, NoValue, RequestError};

/// The error if dead letters cannot be written, read or replayed.
#[derive(Debug, Error)]
pub enum DeadLetterError {
    /// A message is invalid, and the pipeline ends the job in this case.
    #[error(
        "message {} in partition {} of `{}` is not a sample: {}\n\
         hint: correct the producer, or keep such messages as dead letters: \
         dead_letters.on_error = \
         \"dead_letter\"",
        .0.offset, .0.partition, .0.topic, .0.reason
    )]
    Fail(Box<DeadLetter>),
    /// The file system returned an error.
    #[error(transparent)]
    Io(#[from] FileError),
    /// A line of a file of dead letters does not decode.
    #[error("line {line} of `{}` is not a dead letter: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The problem.
        reason: serde_json::Error,
    },
    /// Kafka returned an error.
    #[error(transparent)]
    Kafka(#[from] RequestError),
    /// The value of a property cannot be read from its source.
    #[error("`dead_letters.properties`: {0}")]
    NoValue(#[from] NoValue),
    /// The brokers do not answer.
    #[error(
        "no answer from `{brokers}` for {seconds} s: {detail}\nhint: is it running, and is this its address?"
    )]
    Unreachable {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// Time without an answer, in seconds.
        seconds: u64,
        /// The last message of the client.
        detail: String,
    },
    /// The job is shutting down.
    #[error("stopped before all dead letters were written")]
    Stopped,
    /// The thread that writes dead letters failed.
    #[error("writing dead letters: {0:#}")]
    Other(anyhow::Error),
}

impl DeadLetterError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        FileError::of(action, path)
    }

    /// The error when the brokers did not answer for `time`.
    pub(super) fn unreachable(brokers: &str, time: Duration, reports: &ClientReports) -> Self {
        let detail = reports.trouble().unwrap_or_else(|| "no answer".to_owned());
        Self::Unreachable { brokers: brokers.to_owned(), seconds: time.as_secs(), detail }
    }
}
