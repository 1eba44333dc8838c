//! Segments on an object store, as Parquet files. The local copy of an old and complete segment is a cache.
//!
//! A segment is uploaded and downloaded as a whole, and is in memory meanwhile. A downloaded segment has
//! exactly the bytes that its index describes, because encoding the same rows again gives the same bytes.
//! The index stays on the local disk.

mod cache;
mod config;
mod objects;
mod parquet;
mod segments;

pub(in crate::store) use cache::{Cache, RemoteSegment};
pub use config::Tier;
pub(in crate::store) use segments::download;
pub use segments::remove_object;

/// The file extension of objects.
const EXTENSION: &str = "parquet";
