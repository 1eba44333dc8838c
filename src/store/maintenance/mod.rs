//! Erasing samples, repairing and verifying the log.

pub(super) mod erase;
pub(super) mod repair;
pub(super) mod verify;
