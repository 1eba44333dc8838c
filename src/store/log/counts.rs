//! How much of a segment is durable, and counts of the log.

use serde::{Deserialize, Serialize};

/// How much of a segment is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentLength {
    /// The name of its files, without extension.
    pub name: String,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Its batches.
    pub batches: u64,
    /// Its object on an object store, if there is one.
    pub remote: Option<String>,
}

/// How many messages a log has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows.
    pub rows: u64,
    /// Of these, samples.
    pub samples: u64,
    /// Of these, messages that mean nothing.
    pub bad: u64,
    /// Of these, samples that came late.
    pub late: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            samples: self.samples + other.samples,
            bad: self.bad + other.bad,
            late: self.late + other.late,
        }
    }
}
