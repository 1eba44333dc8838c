//! A shadow: a trigger policy that is evaluated and trains nothing.

use std::sync::Arc;

use driftmill_operators::Position;
use driftmill_operators::flow::{
    HostedShadow, Ordered, Shadow as _, ShadowDecision, TriggerCheckpoint, shadowed,
};
use driftmill_operators::trigger::{Outcome, Trigger, TriggerTable};
use timely::dataflow::StreamVec;

use super::hosted_policy::HostedPolicy;
use crate::catalog::{BranchRecord, ShadowRecord};
use crate::config::shadow_key;
use crate::job::coordinator::command::{Command, PolicyId};
use crate::job::{Branch, Context};

/// A policy that trains nothing, on the stream and the models of the pipeline's own branch.
pub struct Shadow {
    /// Its name.
    pub name: String,
    /// Its name in the catalog.
    pub(in crate::job) key: String,
    trigger: TriggerTable,
    start: ShadowRecord,
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

    /// Shows the ordered stream `all` to the shadow. Branch `own` has these outcomes and the queried
    /// models.
    pub(in crate::job) fn build<'scope>(
        self: &Arc<Self>,
        number: usize,
        context: &Arc<Context>,
        own: &Arc<Branch>,
        seen: (Ordered<'scope>, StreamVec<'scope, Position, Outcome>),
    ) -> StreamVec<'scope, Position, ()> {
        let policy = HostedPolicy {
            id: PolicyId::Shadow(number),
            trigger: context.init(&self.trigger),
            checkpoint: self.start.checkpoint.clone(),
            context: Arc::clone(context),
            models: Arc::clone(own),
        };
        let versions = own.evaluated().versions;
        let commands = context.commands.clone();
        let fired = move |fired: ShadowDecision| {
            commands.send(Command::ShadowDecision(number, Box::new(fired)));
        };
        let (all, outcomes) = seen;
        all.shadow(outcomes, move |wake| HostedShadow {
            hosted: policy.host(wake),
            versions,
            on_decision: fired,
        })
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
