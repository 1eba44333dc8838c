use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_operators::flow::Service;
use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Outcome;
use timely::scheduling::SyncActivator;

use super::{Branch, Context};
use crate::catalog::{Failed, Made, digest};
use crate::console;
use crate::report::{TriggerLine, VersionLine};
use crate::train::{TrainError, TrainJob, Trained, TrainingRow};

type Answer = (TrainingSet, Result<Trained, TrainError>);

/// Trains, stores and publishes: each decision is recorded before its training, each outcome after
/// it, before anyone learns of it.
pub(super) struct Trainer {
    context: Arc<Context>,
    branch: Arc<Branch>,
    wake: SyncActivator,
    answers: (Sender<Answer>, Receiver<Answer>),
    /// Outcomes of decisions with nothing to train on.
    empty: Option<Outcome>,
    versions: u64,
}

impl Trainer {
    pub(super) fn starter(
        context: &Arc<Context>,
        branch: &Arc<Branch>,
    ) -> impl FnOnce(SyncActivator) -> Self + use<> {
        let (context, branch) = (Arc::clone(context), Arc::clone(branch));
        move |wake| Self { context, branch, wake, answers: unbounded(), empty: None, versions: 0 }
    }

    fn decided(&self, set: &TrainingSet) -> anyhow::Result<()> {
        let seed = self.seed(set);
        let active = self.branch.newest().map(|(version, _)| version);
        let mut catalog = self.context.catalog.lock().expect("no one panics in the catalog");
        catalog.decided(&self.branch.name, set, seed, active)?;
        self.branch.story().triggers.push(TriggerLine {
            id: set.decided.trigger,
            position: self.context.place(set.decided.position),
            policy: set.decided.reason.policy.clone(),
            reason: set.decided.reason.text.clone(),
            score: set.decided.reason.score,
            threshold: set.decided.reason.threshold,
            samples: set.rows.len() as u64,
            version: None,
        });
        if self.branch.name.is_empty() {
            self.context.status.triggered();
        }
        Ok(())
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
        self.branch.store.put(&version, trained.weights.bytes())?;
        let sha256 = trained.weights.sha256();
        let made = Made { version: number, sha256, loss: trained.losses.last().copied() };
        let mut catalog = self.context.catalog.lock().expect("no one panics in the catalog");
        catalog.outcome(&self.branch.name, set.decided.trigger, Ok(made), trained.seconds)?;
        drop(catalog);
        self.versions = number;
        tracing::debug!(branch = self.branch.name, version = number, sha256, "trained");
        if self.branch.name.is_empty() {
            self.context.publisher.publish(&version, &self.branch.store.folder_of(number));
        }
        let mut story = self.branch.story();
        if let Some(line) = story.triggers.last_mut() {
            line.version = Some(number);
        }
        story.versions.push(VersionLine::of(&version));
        drop(story);
        let seconds = trained.seconds;
        self.branch.made(number, trained.weights);
        Ok(outcome(set, Some(number), seconds))
    }

    fn failed(&self, set: &TrainingSet, error: Option<&str>) -> anyhow::Result<Outcome> {
        if let Some(error) = error {
            tracing::warn!(trigger = set.decided.trigger, error, "a training failed");
        }
        let mut catalog = self.context.catalog.lock().expect("no one panics in the catalog");
        catalog.outcome(&self.branch.name, set.decided.trigger, Err(Failed { error }), 0.0)?;
        Ok(outcome(set, None, 0.0))
    }

    fn finish(&mut self, (set, result): Answer) -> anyhow::Result<Outcome> {
        self.context.status.training(&self.branch.name, None);
        match result {
            Ok(trained) => self.made(&set, trained),
            Err(error) => self.failed(&set, Some(&error.to_string())),
        }
    }
}

impl Service<TrainingSet, Outcome> for Trainer {
    fn ask(&mut self, set: TrainingSet) {
        if let Err(error) = self.decided(&set) {
            return self.context.fail(error);
        }
        if !set.rows.is_empty() {
            return self.start(set);
        }
        match self.failed(&set, None) {
            Ok(outcome) => self.empty = Some(outcome),
            Err(error) => self.context.fail(error),
        }
    }

    fn poll(&mut self) -> Option<Outcome> {
        if let Some(outcome) = self.empty.take() {
            return Some(outcome);
        }
        let answer = self.answers.1.try_recv().ok()?;
        if self.context.stopping() {
            return None;
        }
        match self.finish(answer) {
            Ok(outcome) => Some(outcome),
            Err(error) => {
                self.context.fail(error);
                None
            }
        }
    }
}

fn outcome(set: &TrainingSet, version: Option<u64>, seconds: f64) -> Outcome {
    Outcome {
        trigger: set.decided.trigger,
        version,
        effective: set.decided.end(),
        samples: set.rows.len() as u64,
        seconds,
    }
}

/// SHA-256 over the ids of a training set.
pub(super) fn digest_of(set: &TrainingSet) -> String {
    digest(set.rows.iter().map(|row| row.id()))
}
