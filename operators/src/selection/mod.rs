//! What to train on.
//!
//! A selection is split over partitions: each one's shard sees the changes of its own records and,
//! when a trigger was decided, proposes candidates; the proposals of all shards together make one
//! training set, the same whatever the number of shards.

mod training_set;

pub use training_set::{Candidate, Proposal, TrainingSet};

use crate::{Change, Id, Snapshot};

/// What a `[selection.…]` table builds.
pub trait SelectionConfig: Send + Sync {
    /// An empty shard.
    fn init(&self) -> Box<dyn Selection>;

    /// Chooses among what the shards propose; the result is in the order of positions.
    fn combine(&self, candidates: Vec<Candidate>) -> Vec<Candidate>;
}

/// One partition's part of a selection policy.
pub trait Selection: Snapshot + Send {
    /// Sees one change of this shard, in the order of positions.
    fn observe(&mut self, change: &Change);

    /// Sees several changes, in order.
    fn observe_all(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.observe(change));
    }

    /// Proposes for trigger `trigger`, which covers all that was observed; whatever
    /// [`SelectionConfig::combine`] may choose of this shard is among the candidates.
    fn propose(&mut self, trigger: u64) -> Proposal;

    /// Shows every sample it has observed and may still propose: the features of all others can go.
    fn reach(&self, see: &mut dyn FnMut(Id));
}

driftmill_registry::one_of! {
    /// The `[selection]` table of a pipeline file.
    SelectionTable: dyn SelectionConfig {
        new_data: NewData,
    }
}
