use serde::{Deserialize, Serialize};

use crate::flow::{Decided, ShardStanding};
use crate::{Id, Position, position_id};

/// A sample that may be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where the sample stands in the order.
    pub position: Position,
    /// Its class.
    pub label: u32,
    /// Its weight in the loss.
    pub weight: f32,
    /// Policies that choose by chance prefer small values: a hash of seed, trigger and id, so that
    /// the choice does not depend on shards.
    pub chance: u64,
}

impl Candidate {
    /// The sample's id.
    pub fn id(&self) -> Id {
        position_id(self.position)
    }
}

/// What one shard proposes for one trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The trigger.
    pub trigger: u64,
    /// Samples of this shard that the policy may choose from.
    pub reach: u64,
    /// Those that can be among the chosen, in any order.
    pub candidates: Vec<Candidate>,
    /// Where shards stand after their proposal, by partition, as far as it is time to keep it.
    pub shards: Vec<(u32, ShardStanding)>,
}

/// A decision with what was chosen for it: all that a training needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSet {
    /// The decision.
    pub decided: Decided,
    /// Number of samples that the policy could choose from.
    pub candidates: u64,
    /// What to train on, in the order of positions.
    pub rows: Vec<Candidate>,
    /// Where the policy's shards stand after it, by partition, as far as it is time to keep it.
    pub shards: Vec<(u32, ShardStanding)>,
}
