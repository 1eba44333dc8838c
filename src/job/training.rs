//! One training, from its job to a version that is stored.

use std::sync::Arc;

use driftmill_operators::selection::TrainingSet;

use super::describe::Named;
use super::irreducible::{Judged, Judgement, Judges};
use super::{Branch, Context};
use crate::catalog::{Made, Version};
use crate::console;
use crate::train::{Progress, TrainError, TrainJob, Trained};

/// What became of a training.
pub(super) struct Answer {
    pub(super) set: TrainingSet,
    pub(super) result: Result<Trained, TrainError>,
    /// What was trained for it.
    pub(super) judged: Vec<Judged>,
}

/// What a training runs in.
pub(super) struct Run {
    pub(super) context: Arc<Context>,
    pub(super) branch: Arc<Branch>,
}

impl Run {
    /// Trains, and answers when that is over.
    pub(super) fn train(
        self,
        set: TrainingSet,
        job: TrainJob,
        judged: Vec<Judged>,
        reply: impl FnOnce(Answer) + Send + 'static,
    ) {
        let (context, name) = (self.context, self.branch.name.clone());
        let trigger = set.decision.trigger;
        let progress = move |progress: Progress| {
            let step = (progress.step, progress.steps);
            let training = console::Training { trigger, step, loss: progress.loss };
            context.status.training(&name, Some(training));
        };
        let done = move |result| reply(Answer { set, result, judged });
        self.branch.runtime.train(job, progress, done);
    }

    /// Trains on what judges leave of the set, after their own trainings; on all of it where there is
    /// too little to judge.
    pub(super) fn judged(
        self,
        judges: &Judges,
        set: TrainingSet,
        mut job: TrainJob,
        reply: impl FnOnce(Answer) + Send + 'static,
    ) {
        match judges.judge(&set, job.seed) {
            Err(error) => reply(Answer { set, result: Err(error), judged: Vec::new() }),
            Ok(None) => {
                job.downsampling = None;
                self.train(set, job, Vec::new(), reply);
            }
            Ok(Some(Judgement { rows, irreducible, versions })) => {
                job.rows = rows;
                job.irreducible = Some(irreducible);
                self.train(set, job, versions, reply);
            }
        }
    }
}

/// A version whose files are durable.
pub(super) struct Stored {
    pub(super) version: Version,
    /// SHA-256 of its description.
    description: String,
}

impl Stored {
    /// Makes the files of a version durable.
    pub(super) fn put(
        context: &Context,
        named: Named<'_>,
        set: &TrainingSet,
        trained: &Trained,
    ) -> anyhow::Result<Self> {
        let version = context.describe(named, set, trained);
        let put = || Ok(named.store.put(&version, trained.weights.bytes())?);
        let description = context.patience.until_room(put)?;
        Ok(Self { version, description })
    }

    /// What the catalog records of it.
    pub(super) fn made<'a>(&'a self, trained: &'a Trained) -> Made<'a> {
        let kept = trained.downsampled.as_ref().map_or(&[][..], |downsampled| &downsampled.kept);
        Made {
            version: self.version.version,
            sha256: trained.weights.sha256(),
            description: &self.description,
            loss: trained.losses.last().copied(),
            learnt: self.version.data.learnt.as_ref().map(|learnt| (learnt, kept)),
        }
    }
}
