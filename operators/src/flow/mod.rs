//! Timely operators that run policies.
//!
//! Each operator is an extension trait with one method on a stream of [`Change`](crate::Change) batches.
//! After [`order`](Order::order), batches are shared instead of copied. No operator blocks: slow work and
//! everything outside the dataflow is a [`Service`], which operators query and poll.

mod activators;
mod class_counts;
mod clock;
mod order;
mod prequential;
mod queue;
mod routing;
mod selection;
mod service;
mod timestamp;
mod train;
mod training_request;
mod trigger;
mod upsert;
mod versions;

pub use crate::selection::{SelectionCheckpoint, SelectionCheckpoints};
pub use crate::trigger::Decision;
pub use class_counts::{Class, CountClasses};
pub use order::{Order, OrderAll, Ordered};
pub use prequential::{Evaluate, Evaluated, Scorable, Scored, Scores, ToScore};
pub use selection::Select;
pub use service::{Immediate, Service, immediate};
pub use train::Train;
pub use training_request::TrainingRequest;
pub use trigger::{
    CheckpointedDecision, Decide, HostedShadow, HostedTrigger, ModelQuery, Shadow, ShadowDecision,
    TriggerCheckpoint, TriggerEvaluation, shadowed,
};
pub use upsert::{UnmatchedLabels, Upsert};
