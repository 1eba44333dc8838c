//! A trigger policy with its service and its callbacks.

use super::TriggerCheckpoint;
use crate::trigger::Trigger;

/// A trigger policy together with the service that answers its questions and the callbacks of its host.
pub struct HostedTrigger<S, K, L> {
    /// The policy, in its initial state or in that of `checkpoint`.
    pub trigger: Box<dyn Trigger>,
    /// The state from which to resume (default: nothing was observed).
    pub checkpoint: Option<TriggerCheckpoint>,
    /// Answers the policy's questions.
    pub service: S,
    /// Receives the policy's checkpoints between decisions, after every `checkpoint_interval` changes. The
    /// checkpoint of a decision is sent with the decision.
    pub on_checkpoint: K,
    /// Changes between two checkpoints.
    pub checkpoint_interval: u64,
    /// Receives the measurements of the policy, before the decision that they lead to.
    pub on_evaluation: L,
}

impl<S> HostedTrigger<S, fn(TriggerCheckpoint), fn(super::TriggerEvaluation)> {
    /// A policy in its initial state. Its checkpoints and measurements are not recorded.
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
