//! The reason for the end of a job.

use serde::{Deserialize, Serialize};

use crate::job::Interrupt;

/// The reason for the end of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The stream ended.
    Complete,
    /// The job was asked to end gently, as services are.
    Stopped,
    /// The job was asked to end at once.
    Interrupted,
}

impl End {
    /// The reason for the end of a job that did not fail; none if the run has `grown` and must be opened
    /// again.
    pub(in crate::job) fn of(interrupt: &Interrupt, grown: bool) -> Option<Self> {
        if !interrupt.requested() {
            return (!grown).then_some(Self::Complete);
        }
        Some(if interrupt.gently() { Self::Stopped } else { Self::Interrupted })
    }
}
