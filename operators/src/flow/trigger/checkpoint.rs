//! The recorded state of a trigger policy.

use serde::{Deserialize, Serialize};

use crate::Position;
use crate::trigger::{Decision, Trigger};

/// The state of a trigger policy, from which it resumes as if it had never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerCheckpoint {
    /// The policy has observed the changes before this position.
    pub at: Position,
    /// Number of decisions that the change at this position has caused.
    pub decisions_before: u32,
    /// Number of the policy's next decision.
    pub next_trigger: u64,
    /// The newest version that has been reported to the policy.
    pub version: Option<u64>,
    /// The decision whose outcome the policy waits for.
    pub open: Option<Decision>,
    /// The policy's state.
    pub policy: Vec<u8>,
}

impl TriggerCheckpoint {
    /// The checkpoint of a policy that has observed nothing.
    pub fn initial(policy: &dyn Trigger) -> Self {
        Self {
            at: Position::MIN,
            decisions_before: 0,
            next_trigger: 0,
            version: None,
            open: None,
            policy: policy.save(),
        }
    }
}
