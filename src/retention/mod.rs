//! What of a run is removed when it is old, and what is kept although it is.
//!
//! Limits say what is old: whole segments of the log, weights of versions. Nothing goes that
//! anything can still ask for, so that when it goes has no influence on what is decided:
//!
//! 1. what a restart reads again: all from where some policy or the evaluation stands, and each
//!    partition's newest batch, which says how far the partition was;
//! 2. what a policy holds, as it was recorded: samples that a trigger policy may ask about or a
//!    selection choose. What a policy holds later it held then, or has seen since;
//! 3. the training sets of decisions without an outcome;
//! 4. of keyed topics what still has a say about keys: samples that are there, and rows that
//!    replaced or deleted samples of a segment that is kept. Where labels arrive separately, they
//!    may come for any sample: everything is kept;
//! 5. versions that the evaluation may score with, that a shadow may ask, that recovery loads, or that
//!    a sink lacks.
//!
//! The catalog records what is removed before it is: ids, ranges and keys stay known.

mod apply;
mod config;
mod erase;
mod keys;
mod plan;
mod retained_samples;
mod versions;

pub use apply::RetentionError;
pub use config::{LogRetention, Retention, VersionRetention};
pub use erase::Erasure;
pub use keys::{Keys, Retractions};
pub use plan::{OldSegment, Plan, Subject};
pub use retained_samples::{Needs, Policies};
pub use versions::OldVersion;
