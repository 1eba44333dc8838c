//! Policies that choose by a score of each sample.

pub(super) mod entropy;
pub(super) mod gradient_norm;
pub(super) mod least_confidence;
pub(super) mod loss;
pub(super) mod margin;
pub(super) mod rho_loss;
