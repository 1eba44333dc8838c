//! Old segments of the log.

use crate::store::SegmentSummary;

/// A segment that is old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldSegment {
    /// Its summary.
    pub summary: SegmentSummary,
    /// The reason to keep it; none if it is removed.
    pub kept: Option<String>,
}
