//! Records decisions, outcomes and the state of policies.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::branch_training::{BranchTraining, DecisionStatus};
use super::command::{Command, PolicyId};
use super::durability::Durability;
use super::journal::Journal;
use super::maintenance::Maintenance;
use super::records::Records;
use crate::job::branch::history::BranchHistory;
use crate::job::publish::publisher::Publisher;
use crate::job::{Branch, Context, StateDirectory};

/// The pause before another attempt to record a command.
const RETRY: Duration = Duration::from_millis(50);

/// Time limit for the destination of dead letters at the end of the job.
const MOMENT: Duration = Duration::from_millis(20);

/// Records the data that operators and services send, in the order of durability.
pub(in crate::job) struct Recorder {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) state: StateDirectory,
    pub(in crate::job) durability: Durability,
    pub(in crate::job) publisher: Publisher,
    journal: Journal,
    trainings: Vec<BranchTraining>,
    pub(in crate::job) histories: Vec<BranchHistory>,
    /// Number of running trainings.
    open: usize,
    /// Commands that are recorded in a commit, and the moment of the next attempt.
    waiting: VecDeque<Command>,
    retry_at: Instant,
    pub(in crate::job) maintenance: Maintenance,
}

impl Recorder {
    /// Creates a recorder of a run in `state`, whose branches resume from the catalog.
    ///
    /// # Errors
    /// When the recorded evaluation of a branch cannot be read.
    pub(in crate::job) fn new(
        state: StateDirectory,
        durability: Durability,
        publisher: Publisher,
    ) -> anyhow::Result<Self> {
        let context = Arc::clone(&durability.context);
        let history = |branch: &Arc<Branch>| BranchHistory::restore(branch);
        let numbers = 0..context.branches.len();
        Ok(Self {
            state,
            durability,
            publisher,
            journal: Journal::default(),
            trainings: numbers.map(|number| BranchTraining::new(&context, number)).collect(),
            histories: context.branches.iter().map(history).collect(),
            open: 0,
            waiting: VecDeque::new(),
            retry_at: Instant::now(),
            maintenance: Maintenance::new(&context),
            context,
        })
    }

    /// Handles a command. A command that needs a commit waits in a queue for
    /// [`record_waiting`](Self::record_waiting).
    ///
    /// # Errors
    /// When an invalid message ends the job, a process is lost, or the log is damaged.
    pub(in crate::job) fn handle(&mut self, command: Command) -> anyhow::Result<()> {
        match command {
            Command::Checkpoint(policy, checkpoint) => {
                self.journal.entries(policy).checkpoint = Some(*checkpoint);
            }
            Command::TriggerEvaluation(policy, evaluation) => {
                self.journal.entries(policy).trigger_evaluations.push(*evaluation);
            }
            Command::ShadowDecision(shadow, decision) => {
                self.journal.entries(PolicyId::Shadow(shadow)).shadow_decisions.push(*decision);
            }
            Command::Scores { branch, scores } => self.histories[branch].scored(&scores),
            Command::Flush(done) => {
                if self.durability.flush()? {
                    done();
                }
            }
            Command::Catalog(ask) => ask(&mut self.durability.catalog),
            Command::Decision { .. } | Command::Published { .. } => self.waiting.push_back(command),
            Command::Trained { branch, answer, reply } => {
                let answer = Box::new(answer.unless_damaged()?);
                self.waiting.push_back(Command::Trained { branch, answer, reply });
            }
        }
        Ok(())
    }

    /// Records the waiting commands. Those that cannot be recorded yet keep waiting.
    ///
    /// # Errors
    /// When something cannot be recorded, or too many trainings have failed.
    pub(in crate::job) fn record_waiting(&mut self) -> anyhow::Result<()> {
        if Instant::now() < self.retry_at {
            return Ok(());
        }
        let (waiting, mut full) = (std::mem::take(&mut self.waiting), false);
        let tried = !waiting.is_empty();
        for command in waiting {
            if full && matches!(command, Command::Published { .. }) {
                // publications are recorded in their order: the newest one stands for all.
                self.waiting.push_back(command);
                continue;
            }
            let recorded = self.record(&command);
            let recorded = self.durability.unless_full(recorded)?;
            full |= recorded.is_none();
            if recorded != Some(true) {
                self.waiting.push_back(command);
                self.retry_at = Instant::now() + RETRY;
            }
        }
        if tried && !full {
            self.durability.has_room();
        }
        Ok(())
    }

    /// Records a command. Returns false if it has to be tried again.
    fn record(&mut self, command: &Command) -> anyhow::Result<bool> {
        match command {
            Command::Decision { branch, request, reply } if self.takes_decisions() => {
                let (training, mut records) = self.training(*branch);
                match training.decide(request, reply, &mut records)? {
                    DecisionStatus::NotYet => return Ok(false),
                    DecisionStatus::Training => self.open += 1,
                    DecisionStatus::Known(outcome) => {
                        self.maintenance.recorded();
                        reply.give(outcome);
                    }
                }
            }
            Command::Trained { branch, answer, reply } if !self.context.stopping() => {
                let (training, mut records) = self.training(*branch);
                let outcome = training.finish(answer, &mut records)?;
                self.open -= 1;
                self.maintenance.recorded();
                reply.give(outcome);
            }
            Command::Published { sink, version, bookmark } => {
                self.durability.catalog.published(sink, *version, bookmark.as_deref())?;
                self.publisher.recorded();
            }
            // the next process makes the decision again.
            _ => {}
        }
        Ok(true)
    }

    /// Whether decisions are accepted: not while the job winds down or stops.
    fn takes_decisions(&self) -> bool {
        !self.context.is_winding_down() && !self.context.stopping()
    }

    fn training(&mut self, branch: usize) -> (&mut BranchTraining, Records<'_>) {
        let records = Records {
            durability: &mut self.durability,
            journal: &mut self.journal,
            history: &mut self.histories[branch],
            publisher: &self.publisher,
        };
        (&mut self.trainings[branch], records)
    }

    /// Releases the run for another process or attempt: its state directory, and the publisher, whose sinks
    /// the caller closes.
    pub(in crate::job) fn release(self) -> (StateDirectory, Publisher) {
        (self.state, self.publisher)
    }

    /// Whether a training is running.
    pub(in crate::job) fn is_training(&self) -> bool {
        self.open > 0
    }

    /// Whether all commands are recorded, published and durable.
    ///
    /// # Errors
    /// When dead letters cannot become durable.
    pub(in crate::job) fn is_done(&self) -> anyhow::Result<bool> {
        Ok(self.waiting.is_empty()
            && self.publisher.pending() == 0
            && self.durability.dead_letters.sync(MOMENT)?)
    }

    /// Runs maintenance, unless it ran a short time ago.
    ///
    /// # Errors
    /// When the catalog cannot be written, or an uploaded segment is damaged.
    pub(in crate::job) fn maintain(&mut self) -> anyhow::Result<()> {
        self.maintenance.run_when_due(&self.state, &mut self.durability.catalog)
    }

    /// Makes all records and the state of policies durable, unless the disk is full or dead letters are not
    /// durable yet.
    ///
    /// # Errors
    /// When a process is lost, or a file or the catalog cannot be written.
    pub(in crate::job) fn record_all(&mut self) -> anyhow::Result<()> {
        // read before the log is synced, so that the log covers everything they have observed.
        let entries = self.journal.policy_entries(&self.context, &self.histories);
        let moved = entries.iter().any(|entry| entry.checkpoint.is_some());
        let committed =
            self.durability.commit(|catalog, durable| catalog.record_progress(durable, &entries));
        if self.durability.unless_full(committed)? == Some(true) {
            drop(entries);
            if self.waiting.is_empty() {
                self.durability.has_room();
            }
            if moved {
                self.maintenance.recorded();
            }
            self.journal.recorded();
        }
        Ok(())
    }

    /// Records everything at the end of the job.
    ///
    /// # Errors
    /// When the catalog or the log cannot be written.
    pub(in crate::job) fn close(&mut self) -> anyhow::Result<()> {
        self.record_all()?;
        for (branch, history) in self.context.branches.iter().zip(&self.histories) {
            let evaluation = history.evaluation(branch, &self.context);
            self.durability.catalog.record_evaluation(&branch.name, &evaluation)?;
        }
        let catalog = &mut self.durability.catalog;
        self.maintenance.finish(&self.state, catalog)
    }
}
