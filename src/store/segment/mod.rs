//! One segment: batches, their index, and rows in a memory map.

pub(super) mod batch;
pub(super) mod file;
pub(super) mod gather;
pub(super) mod index;
pub(super) mod key_index;
pub(super) mod location;
pub(super) mod summary;
