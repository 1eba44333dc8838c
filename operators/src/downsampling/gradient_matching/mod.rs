//! Policies whose chosen samples sum to what all samples sum to.

pub(super) mod craig;
pub(super) mod grad_match;
pub(super) mod herding;
