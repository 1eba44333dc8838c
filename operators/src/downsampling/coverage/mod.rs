//! Policies that choose samples that represent all others.

pub(super) mod facility_location;
pub(super) mod graph_cut;
pub(super) mod k_center;
pub(super) mod log_determinant;
