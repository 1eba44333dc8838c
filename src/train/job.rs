//! What the runtime is asked and what it answers.

use driftmill_operators::Id;

use super::{TrainingRow, Weights};

/// A training to run.
#[derive(Clone, Debug)]
pub struct TrainJob {
    /// The training set, in an order that the caller fixes: it is part of what makes two trainings
    /// the same.
    pub rows: Vec<TrainingRow>,
    /// The weights before this training; used if the `[training]` table says so.
    pub start: Option<Weights>,
    /// Seed of this training, beside the one in the `[training]` table.
    pub seed: u64,
    /// Whether this is the first training of the model, which may take more epochs.
    pub first: bool,
}

/// A training that was run.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The weights after it.
    pub weights: Weights,
    /// Mean loss of each epoch, each step's taken before the step.
    pub losses: Vec<f64>,
    /// How long it took by the clock.
    pub seconds: f64,
    /// Steps of the optimizer.
    pub steps: u64,
}

/// How far a training is; reported after every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps taken.
    pub step: u64,
    /// Steps there will be.
    pub steps: u64,
    /// Mean loss of the last complete epoch.
    pub loss: Option<f64>,
}

/// Which values an inference yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// What the last layer sees.
    Embeddings,
    /// Softmax of the scores: one column per class.
    Probabilities,
}

/// An inference to run.
#[derive(Clone, Debug)]
pub struct InferJob {
    /// The model.
    pub weights: Weights,
    /// The samples; one row of the answer each.
    pub ids: Vec<Id>,
    /// Which values to yield.
    pub output: Output,
}

/// An evaluation to run.
#[derive(Clone, Debug)]
pub struct ScoreJob {
    /// The model.
    pub weights: Weights,
    /// The samples; one score of the answer each.
    pub ids: Vec<Id>,
    /// The class of each sample.
    pub labels: Vec<u32>,
}

/// How a model did on a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Cross entropy: −ln of the probability given to the sample's class.
    pub loss: f32,
    /// The class held most probable; the lowest one of equals.
    pub predicted: u32,
}

/// How long an inference may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// A decision waits for it: next batch.
    Decision,
    /// Nothing waits for it: when there is time.
    Background,
}
