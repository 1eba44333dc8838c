//! Durable lengths of segments, and counts of the log.

use serde::{Deserialize, Serialize};

/// The durable length of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentLength {
    /// The name of its files, without extension.
    pub name: String,
    /// Number of bytes of its batches.
    pub bytes: u64,
    /// Number of its batches.
    pub batches: u64,
    /// Its object on an object store, if there is one.
    pub remote: Option<String>,
}

/// The numbers of messages in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Number of rows.
    pub rows: u64,
    /// Number of rows that are samples.
    pub samples: u64,
    /// Number of rows of invalid messages.
    pub invalid: u64,
    /// Number of late samples.
    pub late: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            samples: self.samples + other.samples,
            invalid: self.invalid + other.invalid,
            late: self.late + other.late,
        }
    }
}
