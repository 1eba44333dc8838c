//! The recorded state of a trigger policy.

use serde::{Deserialize, Serialize};

use crate::Position;
use crate::trigger::Decision;

/// The state of a trigger policy, from which it resumes as if it had never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerCheckpoint {
    /// The policy has observed the changes before this position.
    pub at: Position,
    /// Number of decisions that the change at this position has caused.
    pub decisions_before: u32,
    /// Number of the policy's next decision.
    pub next_trigger: u64,
    /// The newest version that the policy knows of.
    pub version: Option<u64>,
    /// The decision whose outcome the policy waits for.
    pub open: Option<Decision>,
    /// The policy's state.
    pub policy: Vec<u8>,
}
