//! The log: every consumed message, one row each, in append-only Arrow segments.
//!
//! A segment is an Arrow IPC stream (`*.arrows`), which any Arrow reader can open, with one record batch
//! per poll of one partition. Its index (`*.index`) contains the place and the checksum of each batch. The
//! worker that read the messages writes the segment. All others read it through one shared memory map, also
//! while it grows. A row is found by its id: partition, then batch, then row. There is no index of single
//! samples. Keys of complete segments are indexed (`*.keys`) for queries of lineage; the index is made from the
//! segment, and a segment without one is scanned.

mod config;
mod error;
mod log;
mod maintenance;
mod segment;
mod size;
mod tier;

pub use config::Store;
pub use error::StoreError;
pub use log::counts::{Counts, SegmentLength};
pub use log::log_handle::Log;
pub use log::replay::Replay;
pub use log::rolling::Rolling;
pub use log::writer::LogWriter;
pub use maintenance::repair::Lost;
pub use maintenance::verify::{Damage, LogHealth, verify};
pub use segment::batch::{LogBatch, RowKind};
pub use segment::summary::{Contents, RowRange, SegmentSummary};
pub use size::Size;
pub use tier::{Tier, remove_object};
