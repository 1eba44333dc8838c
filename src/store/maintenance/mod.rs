//! Erasing, repairing and verifying what was written.

pub(super) mod erase;
pub(super) mod repair;
pub(super) mod verify;
