//! The decisions and versions of a run: a database that users can query, and the model store.

mod blocks;
mod checkpoints;
mod database;
mod decisions;
mod error;
mod expired;
mod models;
mod outbox;
mod outcome_record;
#[cfg(test)]
mod query_plans;
mod remote_segments;
mod resume;
mod run;
mod run_record;
#[cfg(test)]
mod scale;
mod schema;
mod summary;
mod table;
mod trained;
mod trained_samples;
mod trigger_evaluations;
mod verify;
mod version;

pub use checkpoints::{PolicyEntry, ShadowRecord};
pub use database::Catalog;
pub(crate) use database::digest;
pub use decisions::{
    DecisionEntry, Failed, IrreducibleOutcome, NewDecision, NewVersion, OutcomeEntry,
};
pub use error::CatalogError;
pub use expired::ExpiredSegment;
pub use models::{ModelStore, irreducible_key};
pub use outbox::Outbox;
pub use outcome_record::OutcomeRecord;
pub use resume::{BranchRecord, DecisionRecord};
pub use run_record::RunRecord;
pub use summary::{BranchTotals, VersionPlace, VersionRecord};
pub use trained::TrainedSet;
pub use trained_samples::{Spread, TrainedSamples};
pub use verify::{CatalogHealth, verify};
pub use version::{
    Artifact, DataUsed, OffsetRange, Place, Signature, TriggerInfo, Version, run_of, topic,
};
