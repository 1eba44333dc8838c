//! Where decisions and outcomes are recorded.

use super::durability::Durability;
use super::journal::Journal;
use crate::job::branch::history::BranchHistory;
use crate::job::publish::publisher::Publisher;

/// The places in which a decision and its outcome are recorded.
pub(in crate::job) struct Records<'a> {
    pub(in crate::job) durability: &'a mut Durability,
    pub(in crate::job) journal: &'a mut Journal,
    pub(in crate::job) history: &'a mut BranchHistory,
    pub(in crate::job) publisher: &'a Publisher,
}
