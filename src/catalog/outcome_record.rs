//! Recorded outcomes of decisions.

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::table::{OUTCOMES, Record, Table, optional};

/// An outcome as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// The version that it produced.
    pub version: Option<u64>,
    /// SHA-256 of its weights.
    pub sha256: Option<String>,
    /// SHA-256 of its description.
    pub description: Option<String>,
    /// Duration of its training.
    pub seconds: f64,
    /// The reason why it produced no version.
    pub error: Option<String>,
}

impl OutcomeRecord {
    /// The outcome of a decision without a recorded outcome.
    pub(super) fn unknown() -> Self {
        Self { version: None, sha256: None, description: None, seconds: 0.0, error: None }
    }
}

impl Record for OutcomeRecord {
    const TABLE: &'static Table = &OUTCOMES;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            version: optional(row, "version")?,
            sha256: row.get("sha256")?,
            description: row.get("description")?,
            seconds: row.get("seconds")?,
            error: row.get("error")?,
        })
    }
}
