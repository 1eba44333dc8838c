//! Policies whose chosen samples have about the same sum or mean as all samples.

pub(super) mod craig;
pub(super) mod grad_match;
pub(super) mod herding;
