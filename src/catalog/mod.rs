//! What a run decided and made: a database that anyone can query, and the model store.

mod database;
mod error;
mod models;
mod verify;
mod version;

pub use database::{Catalog, Failed, Made};
pub(crate) use database::{digest, hex};
pub use error::CatalogError;
pub use models::ModelStore;
pub use verify::{CatalogHealth, verify};
pub use version::{
    Artifact, DataUsed, OffsetRange, Place, Signature, TriggerInfo, Version, run_of,
};
