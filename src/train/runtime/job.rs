//! Jobs for the runtime and their results.

use std::collections::HashMap;

use driftmill_operators::Id;
use driftmill_operators::selection::Memory;

use crate::train::{Stage, TrainingRow, Weights};

/// A training to run.
#[derive(Clone, Debug, Default)]
pub struct TrainJob {
    /// The training set, in an order that the caller fixes: it is part of what makes two trainings
    /// the same.
    pub rows: Vec<TrainingRow>,
    /// The weights before this training; used if the `[training]` table says so, and for exemplars.
    pub start: Option<Weights>,
    /// Seed of this training, in addition to the one in the `[training]` table.
    pub seed: u64,
    /// Whether this is the first training of the model, which may take more epochs.
    pub first: bool,
    /// How the rows are downsampled; all are trained on if there is none.
    pub downsampling: Option<Stage>,
    /// A pool of older samples among the rows, of which exemplars are trained on.
    pub memory: Option<Memory>,
    /// The irreducible losses of the rows, for policies that need them.
    pub irreducible: Option<Irreducible>,
}

/// The loss of samples under models that were not trained on them.
#[derive(Clone, Debug, Default)]
pub struct Irreducible(pub HashMap<Id, f32>);

impl Irreducible {
    /// That of `rows`; without a limit for those that nothing is known of, which no policy wants then.
    pub(in crate::train) fn of(&self, rows: &[TrainingRow]) -> Vec<f32> {
        rows.iter().map(|row| self.0.get(&row.id).copied().unwrap_or(f32::MAX)).collect()
    }
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
    /// The samples that were trained on, if not all.
    pub downsampled: Option<Downsampled>,
}

/// The candidates that a training was trained on.
#[derive(Clone, Debug, PartialEq)]
pub struct Downsampled {
    /// Key of the policy that chose.
    pub policy: String,
    /// Samples it could choose from.
    pub candidates: u64,
    /// How often it chose.
    pub choices: u64,
    /// The samples that were trained on at least once, by id.
    pub kept: Vec<Kept>,
    /// How long choosing took by the clock, inference for it included.
    pub seconds: f64,
}

/// A sample that a training trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// The sample.
    pub id: Id,
    /// How often it was trained on, all epochs together; twice in one batch counts twice.
    pub times: u64,
    /// The mean of its weights then.
    pub weight: f32,
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
