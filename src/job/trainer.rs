use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::ensure;
use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_operators::flow::Service;
use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Outcome;
use timely::scheduling::SyncActivator;

use super::unrecorded::Unrecorded;
use super::{Branch, Context};
use crate::catalog::{DecidedRecord, Deciding, Failed, Made, OutcomeRecord, Version, digest};
use crate::console;
use crate::report::{TriggerLine, VersionLine};
use crate::train::{TrainError, TrainJob, Trained, TrainingRow, Weights};

type Answer = (TrainingSet, Result<Trained, TrainError>);

/// Trains, stores and publishes: each decision is recorded before its training, each outcome after
/// it, before anyone learns of it.
pub(super) struct Trainer {
    context: Arc<Context>,
    branch: Arc<Branch>,
    wake: SyncActivator,
    answers: (Sender<Answer>, Receiver<Answer>),
    /// The outcome of a decision that takes no training.
    known: Option<Outcome>,
    /// Decisions of the past that are made again.
    again: BTreeMap<u64, DecidedRecord>,
    versions: u64,
    /// Trainings in a row that failed.
    failures: u64,
}

impl Trainer {
    pub(super) fn starter(
        context: &Arc<Context>,
        branch: &Arc<Branch>,
    ) -> impl FnOnce(SyncActivator) -> Self + use<> {
        let (context, branch) = (Arc::clone(context), Arc::clone(branch));
        move |wake| {
            let again = branch.again();
            let versions = branch.newest().map_or(0, |(version, _)| version);
            Self {
                context,
                branch,
                wake,
                answers: unbounded(),
                known: None,
                again,
                versions,
                failures: 0,
            }
        }
    }

    /// Takes a decision: one of the past may have its outcome, all others are to be trained.
    fn take(&mut self, set: TrainingSet) -> anyhow::Result<()> {
        self.tell(&set);
        let outcome = match self.again.remove(&set.decided.trigger) {
            Some(record) => self.context.compare(&self.branch.name, &set, record)?,
            None => {
                self.decided(&set)?;
                None
            }
        };
        self.known = match outcome {
            Some(outcome) => Some(self.known_outcome(&set, outcome)?),
            None if set.rows.is_empty() => Some(self.failed(&set, None)?),
            None => {
                self.start(set);
                None
            }
        };
        Ok(())
    }

    fn tell(&self, set: &TrainingSet) {
        let place = self.context.place(set.decided.position);
        let line = TriggerLine::of(&set.decided, place, set.rows.len() as u64);
        self.branch.story().triggers.push(line);
        if self.branch.name.is_empty() {
            self.context.status.triggered();
        }
    }

    fn decided(&self, set: &TrainingSet) -> anyhow::Result<()> {
        let standing = self.branch.standing().take();
        let standing = standing.expect("a policy's standing is kept before its decision is sent");
        self.context.patience.until_room(|| {
            let mut catalog = self.context.catalog();
            let durable = self.context.durable()?;
            let looks = std::mem::take(&mut self.branch.notes.lock().looks);
            let decided = catalog.decided(&Deciding {
                branch: &self.branch.name,
                set,
                seed: self.seed(set),
                model: self.branch.newest().map(|(version, _)| version),
                durable: &durable,
                standing: &standing,
                looks: &looks,
            });
            let mut notes = self.branch.notes.lock();
            if decided.is_err() {
                notes.put_back(Unrecorded { looks, ..Unrecorded::default() });
            } else {
                // what stood before is older than the decision.
                notes.standing = None;
            }
            decided?;
            self.context.log.recorded(&durable);
            Ok(())
        })
    }

    /// An outcome that was recorded before the job was started.
    fn known_outcome(
        &mut self,
        set: &TrainingSet,
        outcome: OutcomeRecord,
    ) -> anyhow::Result<Outcome> {
        let Some(number) = outcome.version else {
            return self.failed(set, outcome.error.as_deref());
        };
        let weights = self.branch.weights(number)?;
        let version = self.branch.described(number)?;
        self.active(&version, weights);
        Ok(self.outcome(set, Some(number), outcome.seconds))
    }

    /// The training's seed: decisions differ, runs do not.
    fn seed(&self, set: &TrainingSet) -> u64 {
        set.decided.trigger
    }

    fn start(&self, set: TrainingSet) {
        let rows = set
            .rows
            .iter()
            .map(|row| TrainingRow { id: row.id(), label: row.label, weight: row.weight })
            .collect();
        let start = self.branch.newest().map(|(_, weights)| weights);
        let first = start.is_none();
        let job = TrainJob { rows, start, seed: self.seed(&set), first };
        let (answers, wake) = (self.answers.0.clone(), self.wake.clone());
        let (context, name) = (Arc::clone(&self.context), self.branch.name.clone());
        let trigger = set.decided.trigger;
        let progress = move |progress: crate::train::Progress| {
            let step = (progress.step, progress.steps);
            let training = console::Training { trigger, step, loss: progress.loss };
            context.status.training(&name, Some(training));
        };
        self.branch.runtime.train(job, progress, move |result| {
            // the operator may be gone: the job was stopped.
            drop((answers.send((set, result)), wake.activate()));
        });
    }

    /// Makes the version durable, records it, has it published.
    fn made(&mut self, set: &TrainingSet, trained: Trained) -> anyhow::Result<Outcome> {
        let number = self.versions + 1;
        let parent = self.branch.newest().map(|(version, _)| version);
        let version = self.context.describe(&self.branch, set, &trained, (number, parent));
        let put = || Ok(self.branch.store.put(&version, trained.weights.bytes())?);
        let description = self.context.patience.until_room(put)?;
        let sha256 = trained.weights.sha256();
        let loss = trained.losses.last().copied();
        let made = Made { version: number, sha256, description: &description, loss };
        self.record(set, Ok(made), trained.seconds)?;
        tracing::debug!(branch = self.branch.name, version = number, sha256, "trained");
        if self.branch.name.is_empty() {
            self.context.head().publisher.publish(&version, &self.branch.store.folder_of(number));
        }
        self.active(&version, trained.weights);
        Ok(self.outcome(set, Some(number), trained.seconds))
    }

    /// A version is there from now on.
    fn active(&mut self, version: &Version, weights: Weights) {
        self.versions = version.version;
        let mut story = self.branch.story();
        if let Some(line) = story.triggers.last_mut() {
            line.version = Some(version.version);
        }
        story.versions.push(VersionLine::of(version));
        drop(story);
        self.branch.made(version.version, weights);
    }

    fn record(
        &self,
        set: &TrainingSet,
        outcome: Result<Made<'_>, Failed<'_>>,
        seconds: f64,
    ) -> anyhow::Result<()> {
        let evaluation = self.branch.evaluation(&self.context);
        let decision = (&*self.branch.name, set.decided.trigger);
        self.context.patience.until_room(|| {
            Ok(self.context.catalog().outcome(decision, outcome, seconds, &evaluation)?)
        })?;
        self.context.recorded.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn failed(&self, set: &TrainingSet, error: Option<&str>) -> anyhow::Result<Outcome> {
        if let Some(error) = error {
            tracing::warn!(trigger = set.decided.trigger, error, "a training failed");
        }
        self.record(set, Err(Failed { error }), 0.0)?;
        Ok(self.outcome(set, None, 0.0))
    }

    /// What policies learn of a training.
    fn outcome(&self, set: &TrainingSet, version: Option<u64>, seconds: f64) -> Outcome {
        let known = if self.context.pipeline.forget.is_keep() { &[] } else { &set.rows[..] };
        Outcome {
            trigger: set.decided.trigger,
            version,
            effective: set.decided.end(),
            samples: set.rows.len() as u64,
            seconds,
            ids: known.iter().map(|row| row.id()).collect(),
        }
    }

    fn finish(&mut self, (set, result): Answer) -> anyhow::Result<Outcome> {
        self.context.status.training(&self.branch.name, None);
        match result {
            Ok(trained) => {
                self.failures = 0;
                self.made(&set, trained)
            }
            // what is wrong with the log is not the training's fault.
            Err(error @ TrainError::Rows(_)) => Err(error.into()),
            Err(error) => {
                let error = error.to_string();
                let outcome = self.failed(&set, Some(&error))?;
                self.failures += 1;
                let most = self.context.pipeline.training.max_failures;
                let still = most.is_none_or(|most| self.failures < most.get());
                ensure!(
                    still,
                    "{} trainings in a row failed, the last one: {error}",
                    self.failures
                );
                Ok(outcome)
            }
        }
    }
}

impl Service<TrainingSet, Outcome> for Trainer {
    fn ask(&mut self, set: TrainingSet) {
        if !self.context.begin_training() {
            return;
        }
        if let Err(error) = self.take(set) {
            self.context.fail(error);
        }
    }

    fn poll(&mut self) -> Option<Outcome> {
        if let Some(outcome) = self.known.take() {
            self.context.end_training();
            return Some(outcome);
        }
        let answer = self.answers.1.try_recv().ok()?;
        if self.context.stopping() {
            return None;
        }
        let finished = self.finish(answer);
        self.context.end_training();
        match finished {
            Ok(outcome) => Some(outcome),
            Err(error) => {
                self.context.fail(error);
                None
            }
        }
    }
}

/// SHA-256 over the ids of a training set.
pub(super) fn digest_of(set: &TrainingSet) -> String {
    digest(set.rows.iter().map(|row| row.id()))
}
