//! One sample of a training set.

use driftmill_operators::Id;
use serde::{Deserialize, Serialize};

/// One sample of a training set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRow {
    /// The sample.
    pub id: Id,
    /// Its class.
    pub label: u32,
    /// The factor of its loss. With 0 the sample is left out.
    pub weight: f32,
}

impl TrainingRow {
    /// The same row with a multiple of its weight.
    pub(in crate::train) fn times(self, weight: f32) -> Self {
        Self { weight: self.weight * weight, ..self }
    }
}
