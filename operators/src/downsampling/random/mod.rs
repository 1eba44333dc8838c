//! Policies that choose at random.

pub(super) mod rs2;
pub(super) mod uniform;
