//! The decisions of one branch: each is recorded before its training, and its outcome after it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;

use driftmill_operators::flow::TrainingRequest;
use driftmill_operators::selection::{Candidate, TrainingSet};
use driftmill_operators::trigger::Outcome;

use super::command::{Command, PolicyId, Reply};
use super::journal::Entries;
use super::outcomes::Outcomes;
use super::records::Records;
use crate::catalog::{Catalog, DecisionEntry, DecisionRecord, NewDecision, OutcomeRecord, digest};
use crate::job::branch::irreducible::training_rows;
use crate::job::services::training::Run;
use crate::job::services::training_result::TrainingResult;
use crate::job::{Branch, Context, JobError};
use crate::train::{Stage, TrainJob};

/// The decisions and trainings of one branch.
pub(in crate::job) struct BranchTraining {
    number: usize,
    context: Arc<Context>,
    branch: Arc<Branch>,
    outcomes: Outcomes,
    /// Decisions of an earlier process that are made again.
    again: BTreeMap<u64, DecisionRecord>,
    /// Number of consecutive failed trainings.
    failures: u64,
}

/// The result of handling a decision.
pub(in crate::job) enum DecisionStatus {
    /// It cannot be recorded yet.
    NotYet,
    /// Its training has been started.
    Training,
    /// It needs no training: the outcome is already recorded, or the training set is empty.
    Known(Outcome),
}

impl BranchTraining {
    pub(in crate::job) fn new(context: &Arc<Context>, number: usize) -> Self {
        let branch = Arc::clone(&context.branches[number]);
        let again = branch.again();
        let outcomes = Outcomes::new(context, &branch);
        Self { number, context: Arc::clone(context), branch, outcomes, again, failures: 0 }
    }

    /// Records a decision and starts its training. If it cannot be recorded yet, nothing changes.
    ///
    /// # Errors
    /// When it differs from the record of an earlier process, or cannot be recorded. After a full disk it
    /// may be called again.
    pub(in crate::job) fn decide(
        &mut self,
        request: &TrainingRequest,
        reply: &Reply,
        records: &mut Records<'_>,
    ) -> anyhow::Result<DecisionStatus> {
        let set = &request.set;
        let known = match self.again.get(&set.decision.trigger) {
            Some(record) => self.compare(set, record, &mut records.durability.catalog)?,
            None if self.record(request, records)? => None,
            None => return Ok(DecisionStatus::NotYet),
        };
        let outcome = match known {
            Some(known) => Some(self.outcomes.known(set, known, records)?),
            None if set.rows.is_empty() => Some(self.outcomes.failed(set, None, records)?),
            None => None,
        };
        self.again.remove(&set.decision.trigger);
        if self.branch.name.is_empty() {
            self.context.status.triggered();
        }
        Ok(outcome.map_or_else(
            || {
                self.start(set.clone(), reply.clone());
                DecisionStatus::Training
            },
            DecisionStatus::Known,
        ))
    }

    /// Commits a decision with its checkpoint. Returns whether it was committed.
    fn record(&self, request: &TrainingRequest, records: &mut Records<'_>) -> anyhow::Result<bool> {
        let TrainingRequest { set, checkpoint } = request;
        let entries = records.journal.entries(PolicyId::Branch(self.number));
        let decision = NewDecision {
            branch: &self.branch.name,
            set,
            seed: seed(set),
            model: self.branch.newest().map(|(version, _)| version),
        };
        let recorded = records.durability.commit(|catalog, durable| {
            catalog.record_decision(&DecisionEntry {
                decision,
                durable,
                checkpoint,
                trigger_evaluations: &entries.trigger_evaluations,
            })
        })?;
        if recorded {
            // an unrecorded state between decisions is older than the decision.
            *entries = Entries::default();
        }
        Ok(recorded)
    }

    /// Compares a repeated decision with its record. Returns the outcome, if it is recorded or if there
    /// were too many attempts.
    fn compare(
        &self,
        set: &TrainingSet,
        record: &DecisionRecord,
        catalog: &mut Catalog,
    ) -> anyhow::Result<Option<OutcomeRecord>> {
        let trigger = set.decision.trigger;
        let ids_digest = digest(set.rows.iter().map(Candidate::id));
        if record.decision != set.decision || record.ids_digest != ids_digest {
            let differs = JobError::Differs {
                trigger,
                made: self.context.place(set.decision.position),
                samples: set.rows.len(),
                recorded: self.context.place(record.decision.position),
                recorded_samples: record.samples,
            };
            return Err(differs.into());
        }
        if record.outcome.is_some() || set.rows.is_empty() {
            return Ok(record.outcome.clone());
        }
        let attempts = catalog.attempt(&self.branch.name, trigger)?;
        let most = self.context.pipeline.training.max_attempts.get();
        let error = (attempts > most)
            .then(|| Some(format!("{most} trainings in a row ended the whole process")));
        let failed = |error| OutcomeRecord {
            version: None,
            sha256: None,
            description: None,
            seconds: 0.0,
            error,
        };
        Ok(error.map(failed))
    }

    fn start(&self, set: TrainingSet, reply: Reply) {
        let downsampling = self.branch.downsampling.as_ref();
        let stage = downsampling.and_then(|table| table.stage(set.decision.trigger));
        let start = self.branch.newest().map(|(_, weights)| weights);
        let job = TrainJob {
            rows: training_rows(&set.rows),
            first: start.is_none(),
            start,
            seed: seed(&set),
            downsampling: stage,
            memory: set.memory.clone(),
            ..TrainJob::default()
        };
        let asks = |stage: &Stage| stage.policy.required_scores().irreducible;
        let (commands, branch) = (self.context.commands.clone(), self.number);
        let done = move |answer| {
            let answer = Box::new(answer);
            commands.send(Command::Trained { branch, answer, reply });
        };
        let run = Run { context: Arc::clone(&self.context), branch: Arc::clone(&self.branch) };
        match &self.branch.irreducible_models {
            Some(models) if job.downsampling.as_ref().is_some_and(asks) => {
                let models = Arc::clone(models);
                // these need trainings before this one: the coordinator does not wait for them.
                thread::spawn(move || run.irreducible_trainings(&models, set, job, done));
            }
            _ => run.train(set, job, Vec::new(), done),
        }
    }

    /// Records the result of a training.
    ///
    /// # Errors
    /// When it cannot be recorded, the log is damaged, or too many consecutive trainings failed. After a
    /// full disk it may be called again.
    pub(in crate::job) fn finish(
        &mut self,
        answer: &TrainingResult,
        records: &mut Records<'_>,
    ) -> anyhow::Result<Outcome> {
        let TrainingResult { set, result, irreducible_trainings } = answer;
        self.context.status.training(&self.branch.name, None);
        match result {
            Ok(trained) => {
                self.failures = 0;
                if trained.steps == 0 {
                    let trigger = set.decision.trigger;
                    tracing::warn!(
                        trigger,
                        "no sample was chosen for training: the weights do not change"
                    );
                }
                self.outcomes.trained(set, trained, irreducible_trainings, records)
            }
            Err(error) => {
                let error = error.to_string();
                let outcome = self.outcomes.failed(set, Some(&error), records)?;
                self.failures += 1;
                let most = self.context.pipeline.training.max_failures;
                if most.is_some_and(|most| self.failures >= most.get()) {
                    return Err(JobError::Failures { failures: self.failures, last: error }.into());
                }
                Ok(outcome)
            }
        }
    }
}

/// The seed of the training. It differs between decisions but not between runs.
fn seed(set: &TrainingSet) -> u64 {
    set.decision.trigger
}
