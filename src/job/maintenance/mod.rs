//! Background work on the log: key indexes, tiering, retention and repair.

pub(super) mod complete_segments;
pub(super) mod repair;
pub(super) mod retention;
pub(super) mod tiering;
