//! The coordinator and the followers. Process 0, the coordinator, owns the catalog, the sinks and the dead
//! letters.

pub(super) mod branch_training;
pub(super) mod command;
pub(super) mod describe;
pub(super) mod durability;
pub(super) mod follower;
pub(super) mod journal;
pub(super) mod log_sync;
pub(super) mod main_loop;
pub(super) mod maintenance;
pub(super) mod outcomes;
pub(super) mod peers;
pub(super) mod protocol;
pub(super) mod recorder;
pub(super) mod records;
pub(super) mod stopping;
pub(super) mod stored;
