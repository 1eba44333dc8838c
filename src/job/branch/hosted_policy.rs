//! The host of a trigger policy of the job.

use std::sync::Arc;

use driftmill_operators::flow::{HostedTrigger, TriggerCheckpoint, TriggerEvaluation};
use driftmill_operators::trigger::Trigger;
use timely::scheduling::SyncActivator;

use crate::job::coordinator::command::PolicyId;
use crate::job::services::model_queries::ModelQueries;
use crate::job::{Branch, Context};

/// A trigger policy, and the models that it asks.
pub(in crate::job) struct HostedPolicy {
    pub(in crate::job) id: PolicyId,
    pub(in crate::job) trigger: Box<dyn Trigger>,
    /// The checkpoint from which it resumes.
    pub(in crate::job) checkpoint: Option<TriggerCheckpoint>,
    pub(in crate::job) context: Arc<Context>,
    /// The branch that trains the models.
    pub(in crate::job) models: Arc<Branch>,
}

impl HostedPolicy {
    /// The policy for an operator that `wake` activates. Its checkpoints and evaluations go to the
    /// coordinator.
    pub(in crate::job) fn host(
        self,
        wake: SyncActivator,
    ) -> HostedTrigger<
        ModelQueries,
        impl FnMut(TriggerCheckpoint) + use<>,
        impl FnMut(TriggerEvaluation) + use<>,
    > {
        let Self { id, trigger, checkpoint, context, models } = self;
        HostedTrigger {
            trigger,
            checkpoint,
            on_checkpoint: context.checkpoints(id),
            checkpoint_interval: context.pipeline.checkpoint.every.get(),
            on_evaluation: context.trigger_evaluations(id),
            service: ModelQueries::new(context, models, wake),
        }
    }
}
