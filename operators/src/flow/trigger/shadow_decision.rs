//! Decisions of policies that train nothing.

use serde::{Deserialize, Serialize};

use crate::Position;
use crate::trigger::{Cut, Measurement, Reason};

/// A decision of a shadow: a policy that trains nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShadowDecision {
    /// Its number: 0, 1, 2, …
    pub number: u64,
    /// The position of the change that caused it.
    pub position: Position,
    /// Whether the training would have covered that change.
    pub cut: Cut,
    /// The version that was active at that change; none before the first version.
    pub version: Option<u64>,
    /// The reason why the policy fired.
    pub reason: Reason,
    /// The measurement of the policy, if it measured samples.
    pub measurement: Option<Measurement>,
}
