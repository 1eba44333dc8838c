//! What a run decided and made: a database that anyone can query, and the model store.

mod database;
mod decisions;
mod error;
mod frozen;
mod learnt;
mod looks;
mod models;
mod outbox;
mod removed;
mod resume;
mod standings;
mod tables;
mod trained;
mod verify;
mod version;

pub use database::{Catalog, RunRecord};
pub(crate) use database::{digest, hex};
pub use decisions::{Beside, Deciding, Failed, Finished, Made};
pub use error::CatalogError;
pub use learnt::{Learnt, Spread};
pub use models::{ModelStore, irreducible_key};
pub use outbox::Outbox;
pub use removed::RemovedSegment;
pub use resume::{BranchRecord, DecidedRecord, OutcomeRecord};
pub use standings::{PolicyEntry, ShadowRecord};
pub use trained::TrainedSet;
pub use verify::{CatalogHealth, verify};
pub use version::{
    Artifact, DataUsed, OffsetRange, Place, Signature, TriggerInfo, Version, run_of,
};
