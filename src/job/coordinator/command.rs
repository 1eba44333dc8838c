//! Commands that operators and services send to the thread that owns the order of durability.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_operators::flow::{
    Scores, ShadowDecision, TrainingRequest, TriggerCheckpoint, TriggerEvaluation,
};
use driftmill_operators::trigger::Outcome;

use crate::catalog::Catalog;
use crate::dead_letters::DeadLetter;
use crate::job::services::reply_sender::ReplySender;
use crate::job::services::training_result::TrainingResult;

/// Maximum number of queued commands before ingestion pauses.
const MAX_QUEUED: usize = 100_000;

/// A trigger policy of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::job) enum PolicyId {
    /// The policy of a branch, by its number.
    Branch(usize),
    /// A shadow policy, by its number.
    Shadow(usize),
}

/// A request of an operator or a service. Sending never blocks.
pub(in crate::job) enum Command {
    /// Record the state of a policy between decisions, with the next commit.
    Checkpoint(PolicyId, Box<TriggerCheckpoint>),
    /// Record an evaluation of a trigger policy.
    TriggerEvaluation(PolicyId, Box<TriggerEvaluation>),
    /// Record that a shadow policy fired.
    ShadowDecision(usize, Box<ShadowDecision>),
    /// Record a decision of a branch with the checkpoint of its policy, and train.
    Decision { branch: usize, request: Box<TrainingRequest>, reply: Reply },
    /// Record the result of a training.
    Trained { branch: usize, answer: Box<TrainingResult>, reply: Reply },
    /// Add the scores of samples to the evaluation of a branch.
    Scores { branch: usize, scores: Scores },
    /// Have all processes make their records durable, then call back.
    Flush(Box<dyn FnOnce() + Send>),
    /// Record that a version is in a sink.
    Published { sink: &'static str, version: u64, bookmark: Option<String> },
    /// Read or change the catalog, and answer a thread that waits for it.
    Catalog(Box<dyn FnOnce(&mut Catalog) + Send>),
}

/// The way back to an operator that waits for the outcome of a decision.
pub(in crate::job) type Reply = ReplySender<Outcome>;

/// Sends commands to process 0, and invalid messages to the process itself. Clones share the queues.
#[derive(Clone)]
pub(in crate::job) struct Commands {
    commands: Sender<Command>,
    dead_letters: Sender<Vec<DeadLetter>>,
    queued: Arc<AtomicUsize>,
}

/// Receives commands in the order in which they were sent. Only process 0 has any: all operators that send
/// them run there.
pub(in crate::job) struct Inbox {
    commands: Receiver<Command>,
    queued: Arc<AtomicUsize>,
}

/// Receives invalid messages of the process.
pub(in crate::job) struct InvalidMessages {
    dead_letters: Receiver<Vec<DeadLetter>>,
    queued: Arc<AtomicUsize>,
}

/// The queues of a process.
pub(in crate::job) fn commands() -> (Commands, Inbox, InvalidMessages) {
    let (send, commands) = unbounded();
    let (send_dead_letters, dead_letters) = unbounded();
    let queued = Arc::new(AtomicUsize::new(0));
    let inbox = Inbox { commands, queued: Arc::clone(&queued) };
    let invalid = InvalidMessages { dead_letters, queued: Arc::clone(&queued) };
    (Commands { commands: send, dead_letters: send_dead_letters, queued }, inbox, invalid)
}

impl Commands {
    /// Sends a command without blocking.
    pub(in crate::job) fn send(&self, command: Command) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        if self.commands.send(command).is_err() {
            tracing::debug!("a command was sent after the end of the job");
        }
    }

    /// Sends invalid messages without blocking, before their rows are appended to the log.
    pub(in crate::job) fn send_dead_letters(&self, dead_letters: Vec<DeadLetter>) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        if self.dead_letters.send(dead_letters).is_err() {
            tracing::debug!("invalid messages were sent after the end of the job");
        }
    }

    /// Whether the queues are so long that reading should pause.
    pub(in crate::job) fn is_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > MAX_QUEUED
    }
}

impl Inbox {
    /// The next command, if there is one within `wait`.
    pub(in crate::job) fn next(&mut self, wait: Duration) -> Option<Command> {
        let next = self.commands.recv_timeout(wait).ok()?;
        self.queued.fetch_sub(1, Ordering::Relaxed);
        Some(next)
    }
}

impl InvalidMessages {
    /// All that were sent so far.
    pub(in crate::job) fn take(&mut self) -> Vec<DeadLetter> {
        let sent: Vec<Vec<DeadLetter>> = self.dead_letters.try_iter().collect();
        self.queued.fetch_sub(sent.len(), Ordering::Relaxed);
        sent.into_iter().flatten().collect()
    }
}
