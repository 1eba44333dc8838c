//! The selection of training sets.
//!
//! A selection runs on every partition. Each partition observes the changes of its own records and
//! proposes candidates for each decision. The proposals of all partitions are combined into one training
//! set, which does not depend on the number of partitions.
//!
//! # Random choices
//!
//! A choice does not depend on the order of arrival. Each sample has a *rank*: a hash of a seed, its id
//! and, for policies that choose again for each trigger, the trigger. The k samples of the smallest ranks
//! are k random samples (bottom-k sampling). The choice from several partitions is the bottom k of their
//! proposals. A choice is therefore a function of seed, trigger and positions alone. A sequential reservoir
//! would depend on the order and on the partitions. A deleted sample is replaced by the one with the next
//! smallest rank.
//!
//! Reference: E. Cohen, H. Kaplan, *Summarizing Data using Bottom-k Sketches*, PODC (2007).
//!
//! # Labels
//!
//! Only labelled samples are trained on. A sample enters a policy when its label becomes known,
//! even if late. It leaves when it is replaced or deleted, or when its label is retracted. When its
//! label is corrected, it leaves and enters again.

mod balance;
mod checkpoint;
mod chosen;
mod draw;
mod holdout;
mod partition;
mod pool;
mod reservoir;
mod size;
mod tail;
mod training_set;
mod windowed;

pub use crate::fair_share::fair_share;
pub use balance::Shares;
pub use checkpoint::{SelectionCheckpoint, SelectionCheckpoints};
pub use chosen::Chosen;
pub use class_memory::Exemplars;
pub use freshness::UnusedRatio;
pub use holdout::Holdout;
pub use new_data::Keep;
pub use size::Ratio;
pub use tail::{Everything, Tail};
pub use time_decayed::HalfLife;
pub use training_set::{Candidate, Choice, Group, Memory, Proposal, TrainingSet};

use crate::{Change, Id, Snapshot};

/// The configuration of a selection policy: a `[selection.…]` table.
pub trait SelectionConfig: Send + Sync {
    /// Creates an empty partition.
    fn init(&self) -> Box<dyn Selection>;

    /// Chooses among the proposals of all partitions, which are combined in any order.
    fn combine(&self, proposal: Proposal) -> Choice;

    /// Whether partitions must know the choice ([`Selection::chosen`]) before they continue. They then
    /// wait for it after each proposal.
    fn remembers(&self) -> bool {
        false
    }
}

/// One partition's part of a selection policy.
pub trait Selection: Snapshot + Send {
    /// Observes one change of this partition, in the order of positions.
    fn observe(&mut self, change: &Change);

    /// Observes several changes, in order.
    fn observe_all(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.observe(change));
    }

    /// Proposes candidates for trigger `trigger`, which covers all observed changes. They include every
    /// sample of this partition that [`SelectionConfig::combine`] may choose.
    ///
    /// Triggers are numbered 0, 1, 2, … A partition that is created later does not propose for all earlier
    /// triggers, but at least for the last one, without samples.
    fn propose(&mut self, trigger: u64) -> Proposal;

    /// Records which of this partition's samples were chosen for its last proposal and the round of the
    /// choice, if the policy [remembers](SelectionConfig::remembers).
    fn chosen(&mut self, _ids: &[Id], _round: u64) {}

    /// Visits every observed sample that the policy may still propose. The features of all other samples
    /// may be removed.
    fn retained_samples(&self, visit: &mut dyn FnMut(Id));
}

driftmill_registry::one_of! {
    /// The `[selection]` table of a pipeline file.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    SelectionTable: dyn SelectionConfig {
        all: All = "",
        class_memory: ClassMemory,
        freshness: Freshness,
        label_balanced: LabelBalanced,
        new_data: NewData,
        random: Random,
        random_no_replacement: RandomNoReplacement,
        time_decayed: TimeDecayed,
        trigger_balanced: TriggerBalanced,
    }
}

impl SelectionConfig for SelectionTable {
    fn init(&self) -> Box<dyn Selection> {
        (**self).init()
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        (**self).combine(proposal)
    }

    fn remembers(&self) -> bool {
        (**self).remembers()
    }
}
