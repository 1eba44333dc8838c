//! Commands that operators and services send to the thread that owns the order of durability.

use std::collections::VecDeque;
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
use crate::job::services::answer::Answer;
use crate::job::services::answers::Answers;

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
    /// Record invalid messages. Sent before their rows are appended to the log.
    DeadLetters(Vec<DeadLetter>),
    /// Record the state of a policy between decisions, with the next commit.
    Checkpoint(PolicyId, Box<TriggerCheckpoint>),
    /// Record an evaluation of a trigger policy.
    TriggerEvaluation(PolicyId, Box<TriggerEvaluation>),
    /// Record that a shadow policy fired.
    ShadowDecision(usize, Box<ShadowDecision>),
    /// Record a decision of a branch with the checkpoint of its policy, and train.
    Decision { branch: usize, request: Box<TrainingRequest>, reply: Reply },
    /// Record the result of a training.
    Trained { branch: usize, answer: Box<Answer>, reply: Reply },
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
pub(in crate::job) type Reply = Answers<Outcome>;

/// Sends commands; clones share the queue.
#[derive(Clone)]
pub(in crate::job) struct Commands {
    send: Sender<Command>,
    queued: Arc<AtomicUsize>,
}

/// Receives commands in the order in which they were sent.
pub(in crate::job) struct Inbox {
    commands: Receiver<Command>,
    /// Commands that were removed from the queue and are processed before all others.
    set_aside: VecDeque<Command>,
    queued: Arc<AtomicUsize>,
}

/// A queue of commands.
pub(in crate::job) fn commands() -> (Commands, Inbox) {
    let (send, commands) = unbounded();
    let queued = Arc::new(AtomicUsize::new(0));
    let inbox = Inbox { commands, set_aside: VecDeque::new(), queued: Arc::clone(&queued) };
    (Commands { send, queued }, inbox)
}

impl Commands {
    /// Sends a command without blocking.
    pub(in crate::job) fn send(&self, command: Command) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        if self.send.send(command).is_err() {
            tracing::debug!("a command was sent after the end of the job");
        }
    }

    /// Whether the queue is so long that reading should pause.
    pub(in crate::job) fn is_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > MAX_QUEUED
    }
}

impl Inbox {
    /// The next command, if there is one within `wait`.
    pub(in crate::job) fn next(&mut self, wait: Duration) -> Option<Command> {
        let next = self.set_aside.pop_front().or_else(|| self.commands.recv_timeout(wait).ok())?;
        self.queued.fetch_sub(1, Ordering::Relaxed);
        Some(next)
    }

    /// Removes the dead letters that were sent so far from the queue. All other commands keep their order.
    pub(in crate::job) fn take_dead_letters(&mut self) -> Vec<DeadLetter> {
        let mut taken = Vec::new();
        let waiting = self.set_aside.drain(..).chain(self.commands.try_iter());
        let mut others = VecDeque::new();
        for command in waiting {
            match command {
                Command::DeadLetters(dead_letters) => {
                    self.queued.fetch_sub(1, Ordering::Relaxed);
                    taken.extend(dead_letters);
                }
                other => others.push_back(other),
            }
        }
        self.set_aside = others;
        taken
    }
}
