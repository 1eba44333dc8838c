//! Retention: removes old segments of the log, weights of old versions, and old trigger evaluations.
//!
//! Limits determine which segments and versions are old. Old data is kept while something can still ask for
//! it, so that the time of its removal does not affect decisions. The following is kept:
//!
//! 1. rows that a restart reads again: those from the oldest checkpoint of a policy or the evaluation on,
//!    and the newest batch of each partition, which contains the partition's position;
//! 2. retained samples: those in a recorded checkpoint that a trigger policy can ask about or a
//!    selection can choose. Later checkpoints only retain samples that were retained before or are
//!    newer;
//! 3. the training sets of decisions without an outcome;
//! 4. rows of keyed topics that determine keys: current samples, and rows that replaced or deleted samples
//!    of a kept segment. If labels arrive separately, everything is kept, because a label can arrive for
//!    any sample;
//! 5. versions that the evaluation can score with, that a shadow can query, that a restart loads, or that a
//!    sink lacks.
//!
//! The catalog records a removal before it happens. Ids, ranges and keys stay recorded.
//!
//! No policy reads trigger evaluations, so only their number limits them.

mod apply;
mod config;
mod erase;
mod keys;
mod old_segment;
mod plan;
mod retained_samples;
mod subject;
mod versions;

pub use apply::RetentionError;
pub use config::{EvaluationRetention, LogRetention, Retention, VersionRetention};
pub use erase::Erasure;
pub use keys::{Keys, Retractions};
pub use old_segment::OldSegment;
pub use plan::Plan;
pub use retained_samples::{Needs, Policies};
pub use subject::Subject;
pub use versions::OldVersion;
