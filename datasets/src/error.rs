use std::path::PathBuf;

use thiserror::Error;

/// Why a message is not a sample.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The message has no bytes.
    #[error("the message is empty")]
    Empty,
    /// The bytes are not of the format.
    #[error("not {format}: {detail}")]
    Malformed {
        /// What was expected, with its article: `a JSON object`.
        format: &'static str,
        /// What was wrong and where.
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
        /// What would be accepted.
        wanted: String,
        /// What was there.
        found: String,
    },
    /// The payload has another size than the schema.
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

/// Why a dataset's file is not what its table says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("reading `{}`: wanted {wanted}, found {found}\nhint: {hint}", path.display())]
pub struct DatasetError {
    /// The file, as the table names it.
    pub path: PathBuf,
    /// What was expected, with its article: `an IDX file of images`.
    pub wanted: &'static str,
    /// What was there instead.
    pub found: String,
    /// What to do about it.
    pub hint: &'static str,
}
