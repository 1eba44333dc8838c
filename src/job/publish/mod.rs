//! Publishing versions to sinks, each exactly once.

pub(super) mod predecessors;
pub(super) mod publisher;
