//! Mathematics that several policies use.

pub(super) mod coverage;
pub(super) mod greedy;
pub(super) mod neighbours;
pub(super) mod nonnegative;
pub(super) mod outer;
pub(super) mod ranking;
pub(super) mod sampling;
pub(super) mod space;
