//! A shadow: a trigger policy that is evaluated and trains nothing.

use std::sync::Arc;

use driftmill_operators::Position;
use driftmill_operators::flow::{
    HostedShadow, HostedTrigger, Ordered, Shadow as _, ShadowDecision, TriggerCheckpoint, shadowed,
};
use driftmill_operators::trigger::{Outcome, Trigger, TriggerTable};
use timely::dataflow::StreamVec;

use crate::catalog::{BranchRecord, ShadowRecord};
use crate::config::shadow_key;
use crate::job::coordinator::command::{Command, PolicyId};
use crate::job::services::model_queries::ModelQueries;
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
    /// A shadow that resumes from its checkpoint.
    pub(in crate::job) fn new(name: &str, trigger: &TriggerTable, start: ShadowRecord) -> Self {
        let (name, key) = (name.to_owned(), shadow_key(name));
        Self { name, key, trigger: trigger.clone(), start }
    }

    /// The first position that it has not seen.
    pub(in crate::job) fn resume_at(&self) -> Position {
        self.start.checkpoint.as_ref().map_or(Position::MIN, |checkpoint| checkpoint.at)
    }

    /// Shows it the ordered stream `all`; branch `own`, whose outcomes these are, has the models that
    /// it asks.
    pub(in crate::job) fn build<'scope>(
        self: &Arc<Self>,
        number: usize,
        context: &Arc<Context>,
        own: &Arc<Branch>,
        seen: (Ordered<'scope>, StreamVec<'scope, Position, Outcome>),
    ) -> StreamVec<'scope, Position, ()> {
        let model_queries = ModelQueries::starter(context, own);
        let trigger = context.init(&self.trigger);
        let every = context.pipeline.checkpoint.every.get();
        let versions = own.evaluated().versions;
        let (checkpoint, policy) = (self.start.checkpoint.clone(), PolicyId::Shadow(number));
        let (keep, tell) = (context.checkpoints(policy), context.trigger_evaluations(policy));
        let commands = context.commands.clone();
        let fired = move |fired: ShadowDecision| {
            commands.send(Command::ShadowDecision(number, Box::new(fired)));
        };
        let (all, outcomes) = seen;
        all.shadow(outcomes, move |wake| HostedShadow {
            hosted: HostedTrigger {
                trigger,
                checkpoint,
                service: model_queries(wake),
                on_checkpoint: keep,
                checkpoint_interval: every,
                on_evaluation: tell,
            },
            versions,
            on_decision: fired,
        })
    }
}

/// Where a shadow begins that is new in a run, or was away: where the pipeline's own policy stands,
/// which has nothing to say of what was before.
pub(in crate::job) fn beginning(
    trigger: Box<dyn Trigger>,
    own: &BranchRecord,
    next_trigger: u64,
) -> TriggerCheckpoint {
    let own = own.checkpoint.as_ref();
    TriggerCheckpoint {
        at: own.map_or(Position::MIN, |own| own.at),
        decisions_before: 0,
        next_trigger,
        version: own.and_then(|own| own.version),
        open: None,
        policy: shadowed(trigger).save(),
    }
}
