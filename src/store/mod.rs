//! The log: every consumed message, one row each, in append-only Arrow segments.
//!
//! A segment is an Arrow IPC stream (`*.arrows`: any Arrow reader opens it) with one record batch
//! per poll of one partition, beside an index (`*.index`) with each batch's place and checksum. The
//! worker that read the messages writes the segment; everyone reads it through one shared memory
//! map, also while it grows. A row is found by its id: partition, then batch, then row; no index of
//! single samples is kept.

mod attached;
mod batch;
mod cold;
mod config;
mod counts;
mod erase;
mod error;
mod gather;
mod growing;
mod index;
mod log;
mod mend;
mod opening;
mod place;
mod replay;
mod rolling;
mod segment;
mod segments;
mod size;
mod verify;
mod writer;

pub use batch::{LogBatch, RowKind};
pub use cold::{Cold, remove_object};
pub use config::Store;
pub use counts::{Counts, SegmentLength};
pub use error::StoreError;
pub use log::Log;
pub use mend::Lost;
pub use replay::Replay;
pub use rolling::Rolling;
pub use segments::{Contents, RowRange, SegmentSummary};
pub use size::Size;
pub use verify::{Damage, LogHealth, verify};
pub use writer::LogWriter;
