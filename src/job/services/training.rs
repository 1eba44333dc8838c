//! A training, from its job to its result.

use std::sync::Arc;

use driftmill_operators::selection::TrainingSet;

use super::training_result::TrainingResult;
use crate::console;
use crate::job::branch::irreducible::{
    IrreducibleLossModels, IrreducibleLosses, IrreducibleTraining,
};
use crate::job::{Branch, Context};
use crate::train::{Progress, TrainJob};

/// A branch and its job, for trainings.
pub(in crate::job) struct Run {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) branch: Arc<Branch>,
}

impl Run {
    /// Trains, and sends the result.
    pub(in crate::job) fn train(
        self,
        set: TrainingSet,
        job: TrainJob,
        irreducible_trainings: Vec<IrreducibleTraining>,
        reply: impl FnOnce(TrainingResult) + Send + 'static,
    ) {
        let (context, name) = (self.context, self.branch.name.clone());
        let trigger = set.decision.trigger;
        let progress = move |progress: Progress| {
            let step = (progress.step, progress.steps);
            let training = console::Training { trigger, step, loss: progress.loss };
            context.status.training(&name, Some(training));
        };
        let done = move |result| reply(TrainingResult { set, result, irreducible_trainings });
        self.branch.runtime.train(job, progress, done);
    }

    /// Trains the irreducible-loss models, then the model with their losses. If the set is too small for
    /// them, the model is trained on the whole set without downsampling.
    pub(in crate::job) fn irreducible_trainings(
        self,
        irreducible_models: &IrreducibleLossModels,
        set: TrainingSet,
        mut job: TrainJob,
        reply: impl FnOnce(TrainingResult) + Send + 'static,
    ) {
        match irreducible_models.train_and_score(&set, job.seed) {
            Err(error) => {
                reply(TrainingResult { set, result: Err(error), irreducible_trainings: Vec::new() })
            }
            Ok(None) => {
                job.downsampling = None;
                self.train(set, job, Vec::new(), reply);
            }
            Ok(Some(IrreducibleLosses { rows, irreducible, versions })) => {
                job.rows = rows;
                job.irreducible = Some(irreducible);
                self.train(set, job, versions, reply);
            }
        }
    }
}
