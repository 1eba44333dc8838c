//! The samples that a training on a part of its training set was trained on.

use crate::Id;

/// The candidates that a training was trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Downsampled {
    /// Key of the policy that chose.
    pub policy: String,
    /// Number of samples from which it could choose.
    pub candidates: u64,
    /// Number of choices.
    pub choices: u64,
    /// The samples that were trained on at least once, by id.
    pub kept: Vec<Kept>,
    /// Duration of choosing by the wall clock, including inference.
    pub seconds: f64,
}

/// A sample that a training trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// The sample.
    pub id: Id,
    /// The number of times it was trained on in all epochs. Two occurrences in one batch count twice.
    pub times: u64,
    /// The mean of its weights.
    pub weight: f32,
}
