//! The whole log: opening, writing, finding rows, replaying.

pub(super) mod attached;
pub(super) mod counts;
pub(super) mod growing;
pub(super) mod keys;
pub(super) mod log_handle;
pub(super) mod opening;
pub(super) mod replay;
pub(super) mod rolling;
pub(super) mod shared;
pub(super) mod writer;
