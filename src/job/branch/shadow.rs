//! A shadow: a trigger policy that is evaluated and trains nothing.

use driftmill_operators::Position;
use driftmill_operators::flow::{TriggerCheckpoint, shadowed};
use driftmill_operators::trigger::{Trigger, TriggerTable};

use crate::catalog::{BranchRecord, ShadowRecord};
use crate::config::shadow_key;

/// A policy that trains nothing, on the stream and the models of the pipeline's own branch.
pub struct Shadow {
    /// Its name.
    pub name: String,
    /// Its name in the catalog.
    pub(in crate::job) key: String,
    pub(in crate::job) trigger: TriggerTable,
    /// Where it resumes.
    pub(in crate::job) start: ShadowRecord,
}

impl Shadow {
    /// Creates a shadow that resumes from its checkpoint.
    pub(in crate::job) fn new(name: &str, trigger: &TriggerTable, start: ShadowRecord) -> Self {
        let (name, key) = (name.to_owned(), shadow_key(name));
        Self { name, key, trigger: trigger.clone(), start }
    }

    /// The first position that it has not observed.
    pub(in crate::job) fn resume_at(&self) -> Position {
        self.start.checkpoint.as_ref().map_or(Position::MIN, |checkpoint| checkpoint.at)
    }
}

/// The first checkpoint of a shadow that is new in a run or was removed before. It is at the position of
/// the pipeline's own policy. The shadow observes no earlier changes.
pub(in crate::job) fn beginning(
    trigger: Box<dyn Trigger>,
    own: &BranchRecord,
    next_trigger: u64,
) -> TriggerCheckpoint {
    let initial = TriggerCheckpoint::initial(&*shadowed(trigger));
    let start = TriggerCheckpoint { next_trigger, ..initial };
    match &own.checkpoint {
        Some(own) => TriggerCheckpoint { at: own.at, version: own.version, ..start },
        None => start,
    }
}
