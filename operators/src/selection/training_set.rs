//! Training sets.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Chosen, SelectionCheckpoint};
use crate::trigger::Decision;
use crate::{Id, Position};

/// A sample that may be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The position of the sample.
    pub position: Position,
    /// Its class.
    pub label: u32,
    /// Its weight in the loss.
    pub weight: f32,
    /// The random order of candidates: policies choose small values first. It is a hash of seed, trigger
    /// and id, so that a choice does not depend on partitions.
    pub rank: u64,
}

impl Candidate {
    /// The sample's id.
    pub fn id(&self) -> Id {
        self.position.id()
    }
}

/// Candidates that a policy treats alike and differently from other groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The number of the group, as defined by the policy.
    pub key: u64,
    /// Number of candidates.
    pub candidates: usize,
    /// All samples of the partition in this group with a rank below this are candidates.
    pub below: u64,
}

/// The proposal of one partition, or of all together, for one trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The trigger.
    pub trigger: u64,
    /// Number of samples of this partition from which the policy may choose.
    pub available: u64,
    /// The samples that may be chosen, in any order.
    pub candidates: Vec<Candidate>,
    /// The groups of the candidates, in the order of the candidates; none for policies without groups.
    pub groups: Vec<Group>,
    /// The states of partitions after their proposal, by partition, if a checkpoint is due.
    pub checkpoints: Vec<(u32, SelectionCheckpoint)>,
    /// Seconds spent on proposals in all partitions. Reported, but never used.
    pub seconds: f64,
}

impl Proposal {
    /// Adds the proposal of another partition for the same trigger.
    pub fn add(&mut self, other: Self) {
        self.trigger = other.trigger;
        self.available += other.available;
        self.candidates.extend(other.candidates);
        self.groups.extend(other.groups);
        self.checkpoints.extend(other.checkpoints);
        self.seconds += other.seconds;
    }
}

/// The result of [`SelectionConfig::combine`](super::SelectionConfig::combine).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The chosen samples, in the order of positions.
    pub rows: Vec<Candidate>,
    /// The number of completed rounds through all samples, for policies with rounds.
    pub round: u64,
    /// The pool among the chosen from which a model chooses exemplars, for policies with such a pool.
    pub memory: Option<Memory>,
}

impl From<Vec<Candidate>> for Choice {
    fn from(rows: Vec<Candidate>) -> Self {
        Self { rows, ..Self::default() }
    }
}

/// A pool of older samples among the chosen ones. Only exemplars of it are trained on.
///
/// The exemplars depend on the outputs of a model. The host therefore chooses them and leaves out the rest
/// of the pool. All samples outside the pool are trained on. See
/// [`exemplars`](crate::downsampling::exemplars).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Number of exemplars of each class. Of a class with fewer samples in the pool, all are exemplars.
    pub per_class: NonZeroUsize,
    /// The pool, in the order of positions.
    pub ids: Vec<Id>,
}

/// A decision and the samples chosen for it: the input of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSet {
    /// The decision.
    pub decision: Decision,
    /// Number of samples that the policy could choose from.
    pub candidates: u64,
    /// The samples to train on, in the order of positions.
    pub rows: Vec<Candidate>,
    /// The round that the choice was made in ([`Choice::round`]).
    pub round: u64,
    /// The pool from which a model chooses exemplars ([`Choice::memory`]).
    pub memory: Option<Memory>,
    /// The states of the policy's partitions after it, by partition, if a checkpoint is due.
    pub checkpoints: Vec<(u32, SelectionCheckpoint)>,
    /// Seconds spent on the choice in all partitions. Reported, but never used.
    pub seconds: f64,
}

impl TrainingSet {
    /// The report for partitions that remember the choice.
    pub fn chosen(&self) -> Chosen {
        let ids = self.rows.iter().map(Candidate::id).collect();
        Chosen { trigger: self.decision.trigger, round: self.round, ids }
    }
}
