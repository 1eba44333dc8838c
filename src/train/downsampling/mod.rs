//! Training on a part of the training set.

pub(super) mod config;
pub(super) mod downsampler;
pub(super) mod exemplars;
pub(super) mod irreducible;
pub(super) mod sample_scores;
