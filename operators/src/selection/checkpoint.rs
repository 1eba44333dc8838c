//! The recorded state of selection policies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Chosen;
use crate::Position;

/// The state of a selection policy for each partition, from which any number of workers can resume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectionCheckpoints {
    /// The checkpoints of one worker's partitions, by partition ([`Id::stream`](crate::Id::stream)).
    pub partitions: BTreeMap<u32, SelectionCheckpoint>,
    /// Numbers and ends of the last decisions, in order: from the oldest trigger among the checkpoints on.
    /// Without checkpoints, the last decision is enough. A partition without a checkpoint had no samples
    /// for a decision that is missing here.
    pub decisions: Vec<(u64, Position)>,
    /// The choices for these decisions, in order, if the policy
    /// [remembers](super::SelectionConfig::remembers) them.
    pub chosen: Vec<Chosen>,
}

/// The state of a selection policy for one partition, right after its proposal for a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionCheckpoint {
    /// The trigger.
    pub trigger: u64,
    /// The policy has observed the partition's changes before this position.
    pub at: Position,
    /// The state.
    pub state: Vec<u8>,
}
