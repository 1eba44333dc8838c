//! Errors of codecs and generators.

use std::path::PathBuf;

use thiserror::Error;

/// The error for a message that does not decode.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The message has no bytes.
    #[error("the message is empty")]
    Empty,
    /// The bytes do not have the expected format.
    #[error("not {format}: {detail}")]
    Malformed {
        /// The expected format, with its article: `a JSON object`.
        format: &'static str,
        /// The problem and its position.
        detail: String,
    },
    /// A column is missing.
    #[error("no column `{0}`")]
    MissingColumn(String),
    /// A value is of the wrong type, not finite, or out of range.
    #[error("column `{column}`: wanted {wanted}, found {found}")]
    Value {
        /// The column.
        column: String,
        /// The accepted values.
        wanted: String,
        /// The value that was found.
        found: String,
    },
    /// The payload does not have the size of a sample.
    #[error("wanted {wanted} bytes, found {found}")]
    Size {
        /// Bytes of one sample.
        wanted: usize,
        /// Bytes of the message.
        found: usize,
    },
}

impl DecodeError {
    /// Stable name of the error's class, for counters and dead-letter headers.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Malformed { .. } => "malformed",
            Self::MissingColumn(_) => "missing_column",
            Self::Value { .. } => "value",
            Self::Size { .. } => "size",
        }
    }
}

/// The error for a dataset's file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("reading `{}`: wanted {wanted}, found {found}\nhint: {hint}", path.display())]
pub struct DatasetError {
    /// The file, as the table names it.
    pub path: PathBuf,
    /// The expected content, with its article: `an IDX file of images`.
    pub wanted: &'static str,
    /// The content that was found instead.
    pub found: String,
    /// Advice on how to fix the problem.
    pub hint: &'static str,
}
