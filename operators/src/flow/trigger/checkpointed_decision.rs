//! A decision together with the state of the policy that made it.

use serde::{Deserialize, Serialize};

use super::TriggerCheckpoint;
use crate::trigger::Decision;

/// A decision, and the checkpoint of its policy, which waits for the outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointedDecision {
    /// The decision.
    pub decision: Decision,
    /// The state of the policy after it. The decision is open there.
    pub checkpoint: TriggerCheckpoint,
}
