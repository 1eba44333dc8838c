//! A trigger policy with what it needs from outside.

use super::TriggerCheckpoint;
use crate::trigger::Trigger;

/// A trigger policy together with the service it asks and the callbacks of its host.
pub struct HostedTrigger<S, K, L> {
    /// The policy, in its initial state or in that of `checkpoint`.
    pub trigger: Box<dyn Trigger>,
    /// The state from which to resume (default: nothing was observed).
    pub checkpoint: Option<TriggerCheckpoint>,
    /// Answers the policy's questions.
    pub service: S,
    /// Receives the policy's checkpoints: at each decision, before the decision is sent, and between
    /// decisions after every `checkpoint_interval` changes.
    pub on_checkpoint: K,
    /// Changes between two checkpoints.
    pub checkpoint_interval: u64,
    /// Receives what the policy measured, before the checkpoint of the decision it leads to.
    pub on_evaluation: L,
}

impl<S> HostedTrigger<S, fn(TriggerCheckpoint), fn(super::TriggerEvaluation)> {
    /// A policy in its initial state whose checkpoints and measurements are not recorded.
    pub fn new(trigger: Box<dyn Trigger>, service: S) -> Self {
        Self {
            trigger,
            checkpoint: None,
            service,
            on_checkpoint: |_| {},
            checkpoint_interval: u64::MAX,
            on_evaluation: |_| {},
        }
    }
}
