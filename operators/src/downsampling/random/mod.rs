//! Policies of uniform random choice.

pub(super) mod rs2;
pub(super) mod uniform;
