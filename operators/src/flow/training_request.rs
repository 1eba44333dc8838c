//! The request to train for a decision.

use serde::{Deserialize, Serialize};

use super::TriggerCheckpoint;
use crate::selection::TrainingSet;

/// A training set, and the checkpoint of the policy whose decision it is for. A service that keeps records
/// can commit both at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRequest {
    /// The training set with its decision.
    pub set: TrainingSet,
    /// The state of the policy after the decision, which is open there.
    pub checkpoint: TriggerCheckpoint,
}
