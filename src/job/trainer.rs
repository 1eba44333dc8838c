use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use anyhow::ensure;
use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_operators::flow::Service;
use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Outcome;
use timely::scheduling::SyncActivator;

use super::irreducible::training_rows;
use super::training::{Answer, Run};
use super::unrecorded::Unrecorded;
use super::{Branch, Context};
use crate::catalog::{DecidedRecord, Deciding, digest};
use crate::report::TriggerLine;
use crate::train::{Stage, TrainError, TrainJob};

/// Trains, stores and publishes: each decision is recorded before its training, each outcome after
/// it, before anyone learns of it.
pub(super) struct Trainer {
    pub(super) context: Arc<Context>,
    pub(super) branch: Arc<Branch>,
    wake: SyncActivator,
    answers: (Sender<Answer>, Receiver<Answer>),
    /// The outcome of a decision that takes no training.
    known: Option<Outcome>,
    /// Decisions of the past that are made again.
    again: BTreeMap<u64, DecidedRecord>,
    pub(super) versions: u64,
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
        let outcome = match self.again.remove(&set.decision.trigger) {
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
        let place = self.context.place(set.decision.position);
        let line = TriggerLine::of(&set.decision, place, set.rows.len() as u64);
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

    /// The training's seed: decisions differ, runs do not.
    pub(super) fn seed(&self, set: &TrainingSet) -> u64 {
        set.decision.trigger
    }

    fn start(&self, set: TrainingSet) {
        let downsampling = self.branch.downsampling.as_ref();
        let stage = downsampling.and_then(|table| table.stage(set.decision.trigger));
        let start = self.branch.newest().map(|(_, weights)| weights);
        let job = TrainJob {
            rows: training_rows(&set.rows),
            first: start.is_none(),
            start,
            seed: self.seed(&set),
            downsampling: stage,
            memory: set.memory.clone(),
            ..TrainJob::default()
        };
        let asks = |stage: &Stage| stage.policy.required_scores().irreducible;
        let reply = self.reply();
        let run = Run { context: Arc::clone(&self.context), branch: Arc::clone(&self.branch) };
        match &self.branch.judges {
            Some(judges) if job.downsampling.as_ref().is_some_and(asks) => {
                let judges = Arc::clone(judges);
                // they are waited for elsewhere: workers never wait.
                thread::spawn(move || run.judged(&judges, set, job, reply));
            }
            _ => run.train(set, job, Vec::new(), reply),
        }
    }

    /// What becomes of a training once it is over.
    fn reply(&self) -> impl FnOnce(Answer) + Send + 'static {
        let (answers, wake) = (self.answers.0.clone(), self.wake.clone());
        move |answer| {
            // the operator may be gone: the job was stopped.
            drop((answers.send(answer), wake.activate()));
        }
    }

    fn finish(&mut self, answer: Answer) -> anyhow::Result<Outcome> {
        let Answer { set, result, judged } = answer;
        self.context.status.training(&self.branch.name, None);
        match result {
            Ok(trained) => {
                self.failures = 0;
                if trained.steps == 0 {
                    let trigger = set.decision.trigger;
                    tracing::warn!(trigger, "nothing was chosen to learn from: weights stay");
                }
                self.made(&set, trained, &judged)
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
