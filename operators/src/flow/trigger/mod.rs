//! Operators that run trigger policies.

mod checkpoint;
mod checkpointed_decision;
mod decide;
mod evaluation;
mod host;
mod hosted;
mod query;
mod shadow;
mod shadow_decision;
mod shadow_policy;
mod waiting;

pub use checkpoint::TriggerCheckpoint;
pub use checkpointed_decision::CheckpointedDecision;
pub use decide::Decide;
pub use evaluation::TriggerEvaluation;
pub use hosted::HostedTrigger;
pub use query::ModelQuery;
pub use shadow::{HostedShadow, Shadow};
pub use shadow_decision::ShadowDecision;
pub use shadow_policy::shadowed;
