//! A training, from its job to a stored version.

use std::sync::Arc;

use driftmill_operators::selection::TrainingSet;

use crate::catalog::{NewVersion, Version};
use crate::console;
use crate::job::branch::irreducible::{
    IrreducibleLossModels, IrreducibleLosses, IrreducibleTraining,
};
use crate::job::coordinator::describe::Named;
use crate::job::{Branch, Context};
use crate::train::{Progress, TrainError, TrainJob, Trained};

/// The result of a training.
pub(in crate::job) struct Answer {
    pub(in crate::job) set: TrainingSet,
    pub(in crate::job) result: Result<Trained, TrainError>,
    /// The trainings of irreducible-loss models for it.
    pub(in crate::job) irreducible_trainings: Vec<IrreducibleTraining>,
}

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
        reply: impl FnOnce(Answer) + Send + 'static,
    ) {
        let (context, name) = (self.context, self.branch.name.clone());
        let trigger = set.decision.trigger;
        let progress = move |progress: Progress| {
            let step = (progress.step, progress.steps);
            let training = console::Training { trigger, step, loss: progress.loss };
            context.status.training(&name, Some(training));
        };
        let done = move |result| reply(Answer { set, result, irreducible_trainings });
        self.branch.runtime.train(job, progress, done);
    }

    /// Trains the irreducible-loss models, then the model with their losses. If the set is too small for
    /// them, the model is trained on the whole set without downsampling.
    pub(in crate::job) fn irreducible_trainings(
        self,
        irreducible_models: &IrreducibleLossModels,
        set: TrainingSet,
        mut job: TrainJob,
        reply: impl FnOnce(Answer) + Send + 'static,
    ) {
        match irreducible_models.train_and_score(&set, job.seed) {
            Err(error) => {
                reply(Answer { set, result: Err(error), irreducible_trainings: Vec::new() })
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

impl Answer {
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

/// A version whose files are durable.
pub(in crate::job) struct Stored {
    pub(in crate::job) version: Version,
    /// SHA-256 of its description.
    description: String,
}

impl Stored {
    /// Makes the files of a version durable.
    pub(in crate::job) fn put(
        context: &Context,
        named: Named<'_>,
        set: &TrainingSet,
        trained: &Trained,
    ) -> anyhow::Result<Self> {
        let version = context.describe(named, set, trained);
        let description = named.store.put(&version, trained.weights.bytes())?;
        Ok(Self { version, description })
    }

    /// The record of it in the catalog.
    pub(in crate::job) fn made<'a>(&'a self, trained: &'a Trained) -> NewVersion<'a> {
        let kept = trained.downsampled.as_ref().map_or(&[][..], |downsampled| &downsampled.kept);
        NewVersion {
            version: self.version.version,
            sha256: trained.weights.sha256(),
            description: &self.description,
            loss: trained.losses.last().copied(),
            trained_samples: self
                .version
                .data
                .trained_samples
                .as_ref()
                .map(|trained_samples| (trained_samples, kept)),
        }
    }
}
