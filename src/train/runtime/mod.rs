//! The thread that owns Burn: its queue of jobs, its devices and its output cache.

pub(super) mod arithmetic;
pub(super) mod device;
pub(super) mod feature_store;
pub(super) mod handle;
pub(super) mod job;
pub(super) mod output_cache;
pub(super) mod queue;
pub(super) mod weights;
pub(super) mod worker;
