//! Evaluations of trigger policies.

use serde::{Deserialize, Serialize};

use crate::Position;
use crate::trigger::Measurement;

/// The measurement of a trigger policy at a change, whether it fired or not.
///
/// A job that resumes from a [`TriggerCheckpoint`](super::TriggerCheckpoint) repeats the evaluations after
/// it. They are equal except for `seconds`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerEvaluation {
    /// The position of the change.
    pub position: Position,
    /// Number of the decision that the evaluation led to, or otherwise of the next decision.
    pub trigger: u64,
    /// Its number among the evaluations with that trigger and position: 0, 1, 2, … There is never a
    /// checkpoint between two of them.
    pub number: u32,
    /// Whether the evaluation led to that decision.
    pub decides: bool,
    /// The version that was queried; none without a question.
    pub version: Option<u64>,
    /// The measurement.
    pub measurement: Measurement,
    /// Time from the first question to the conclusion. It is only recorded: no decision depends on it.
    pub seconds: f64,
}
