//! Segments on an object store, as Parquet: of what is old and complete, a local copy is a cache.
//!
//! A segment goes there as a whole and comes back as a whole, in memory meanwhile: as the very bytes
//! that its index speaks of, since rows that are encoded as they were first are what was written
//! first. Its index stays on the local disk.

mod config;
mod objects;
mod parquet;
mod segments;

pub use config::Tier;
pub use segments::remove_object;
pub(in crate::store) use segments::{Cache, RemoteSegment, download};

/// The objects of segments on an object store.
const EXTENSION: &str = "parquet";
