//! Background work on the log: tiering, retention and repair.

pub(super) mod repair;
pub(super) mod retention;
pub(super) mod tiering;
