//! The result of a training, for the coordinator.

use driftmill_operators::selection::TrainingSet;

use crate::job::branch::irreducible::IrreducibleTraining;
use crate::train::{TrainError, Trained};

/// The result of a training.
pub(in crate::job) struct TrainingResult {
    pub(in crate::job) set: TrainingSet,
    pub(in crate::job) result: Result<Trained, TrainError>,
    /// The trainings of irreducible-loss models for it.
    pub(in crate::job) irreducible_trainings: Vec<IrreducibleTraining>,
}

impl TrainingResult {
    /// The answer, unless the log is damaged: a damaged log is not a failure of the training.
    ///
    /// # Errors
    /// When rows of the training set cannot be read.
    pub(in crate::job) fn unless_damaged(self) -> Result<Self, TrainError> {
        match self.result {
            Err(error @ TrainError::FeatureStore(_)) => Err(error),
            result => Ok(Self { result, ..self }),
        }
    }
}
