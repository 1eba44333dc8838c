//! Erasure, repair, rebuilding and verification of the log.

pub(super) mod erase;
pub(super) mod rebuild_index;
pub(super) mod repair;
pub(super) mod verify;
