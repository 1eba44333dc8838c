//! Process 0, which owns the catalog, the sinks and the dead letters, and the other processes.

pub(super) mod follower;
pub(super) mod peers;
pub(super) mod protocol;
pub(super) mod role;
