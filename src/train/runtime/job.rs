//! Jobs for the runtime and their results.

use std::collections::HashMap;

use driftmill_operators::Id;
use driftmill_operators::downsampling::Downsampled;
use driftmill_operators::selection::Memory;

use crate::train::{Stage, TrainingRow, Weights};

/// A training to run.
#[derive(Clone, Debug, Default)]
pub struct TrainJob {
    /// The training set, in an order that the caller fixes. Equal trainings have equal orders.
    pub rows: Vec<TrainingRow>,
    /// The weights before this training, used if the `[training]` table requires them, and for exemplars.
    pub start: Option<Weights>,
    /// Seed of this training, in addition to the one in the `[training]` table.
    pub seed: u64,
    /// Whether this is the first training of the model, which may take more epochs.
    pub first: bool,
    /// The downsampling of the rows; without it, all rows are trained on.
    pub downsampling: Option<Stage>,
    /// A pool of older samples among the rows. Only exemplars of it are trained on.
    pub memory: Option<Memory>,
    /// The irreducible losses of the rows, for policies that need them.
    pub irreducible: Option<Irreducible>,
}

/// The losses of samples under models that were not trained on them.
#[derive(Clone, Debug, Default)]
pub struct Irreducible(pub HashMap<Id, f32>);

impl Irreducible {
    /// The irreducible losses of `rows`. Rows without one get the largest number, so that no policy prefers
    /// them.
    pub(in crate::train) fn of(&self, rows: &[TrainingRow]) -> Vec<f32> {
        rows.iter().map(|row| self.0.get(&row.id).copied().unwrap_or(f32::MAX)).collect()
    }
}

/// The result of a training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The weights after it.
    pub weights: Weights,
    /// Mean loss of each epoch. The loss of a step is computed before the step.
    pub losses: Vec<f64>,
    /// Duration by the wall clock.
    pub seconds: f64,
    /// Number of steps of the optimizer.
    pub steps: u64,
    /// The samples that were trained on, if they are a part of the training set.
    pub downsampled: Option<Downsampled>,
}

/// The progress of a training, reported after every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Number of completed steps.
    pub step: u64,
    /// Number of all steps.
    pub steps: u64,
    /// Mean loss of the last complete epoch.
    pub loss: Option<f64>,
}

/// The values that an inference returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The embedding: the input of the last layer.
    Embeddings,
    /// Softmax of the scores: one column per class.
    Probabilities,
}

/// An inference to run.
#[derive(Clone, Debug)]
pub struct InferJob {
    /// The model.
    pub weights: Weights,
    /// The samples, each with one row of the answer.
    pub ids: Vec<Id>,
    /// The values to return.
    pub output: Output,
}

/// An evaluation to run.
#[derive(Clone, Debug)]
pub struct ScoreJob {
    /// The model.
    pub weights: Weights,
    /// The samples, each with one score of the answer.
    pub ids: Vec<Id>,
    /// The class of each sample.
    pub labels: Vec<u32>,
}

/// The score of a model for a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Cross entropy: −ln of the probability given to the sample's class.
    pub loss: f32,
    /// The most probable class. Ties go to the lowest class.
    pub predicted: u32,
}

/// The urgency of an inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A decision waits for it: the next batch.
    Decision,
    /// Nothing waits for it: runs when there is time.
    Background,
}
