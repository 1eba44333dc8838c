//! The state that all parts of a job share within one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use driftmill_operators::Position;
use driftmill_operators::flow::{SelectionCheckpoints, TriggerCheckpoint, TriggerEvaluation};
use driftmill_operators::trigger::{Trigger, TriggerTable};
use parking_lot::Mutex;

use super::{Branch, Shadow};
use crate::catalog::{self, Place};
use crate::cluster::{Cluster, Loss, Reason};
use crate::config::Pipeline;
use crate::console::Status;
use crate::evaluate::ClassCounts;
use crate::job::coordinator::command::{Command, Commands, PolicyId};
use crate::job::services::reads::Reads;
use crate::outage::CancellationToken;
use crate::source::Partition;
use crate::store::Log;

/// The state that all parts of a job share within one process.
pub struct Context {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// SHA-256 of the pipeline.
    pub pipeline_digest: String,
    /// The unique name of the run.
    pub run: String,
    /// All partitions with their bounds.
    pub partitions: Vec<Partition>,
    /// Every consumed message.
    pub log: Log,
    /// The queue to the thread that owns the order of durability.
    pub(super) commands: Commands,
    /// A thread for reads that services need.
    pub(super) reads: Reads,
    /// The counts of classes.
    pub classes: Mutex<ClassCounts>,
    /// The progress of the job.
    pub status: Status,
    /// The pipeline's own policies, then those of comparisons.
    pub branches: Vec<Arc<Branch>>,
    /// Policies that train nothing.
    pub shadows: Vec<Arc<Shadow>>,
    /// Maximum number of messages of a partition in one poll. It does not affect decisions.
    pub poll: usize,
    /// Whether records are made durable between decisions, too.
    pub sync: bool,
    /// Whether the stream is declared stable.
    pub stable: bool,
    /// Number of workers of all processes.
    pub workers: usize,
    /// Cancels the waits of parts that wait for something outside, and lists these waits.
    pub(super) cancellation: CancellationToken,
    /// The processes.
    pub cluster: Cluster,
    pub(super) stop: AtomicBool,
    /// Whether the stream has partitions that are not read yet.
    pub(super) grown: AtomicBool,
    /// Whether nothing new is started.
    pub(super) wind_down: AtomicBool,
    pub(super) faults: Sender<anyhow::Error>,
    /// Whether there was a fault.
    pub(super) failed: AtomicBool,
}

impl Context {
    /// Whether the job must end without finishing.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Records that the stream has partitions that are not read yet.
    pub(super) fn grow(&self, topic: &str) {
        if !self.grown.swap(true, Ordering::Relaxed) {
            let when =
                if self.cluster.is_single() { "now" } else { "when all processes start again" };
            tracing::warn!("`{topic}` has new partitions: they are read {when}");
        }
    }

    /// Whether the run must be opened again, with more partitions.
    pub(super) fn grown(&self) -> bool {
        self.grown.load(Ordering::Relaxed) && self.cluster.is_single()
    }

    /// Starts nothing new from now on. Returns whether this is new.
    pub(super) fn wind_down(&self) -> bool {
        !self.wind_down.swap(true, Ordering::SeqCst)
    }

    /// Stops all parts of the job in this process.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.cancellation.raise();
        self.branches.iter().for_each(|branch| branch.stop());
    }

    /// Ends the job, because the connection to a process broke.
    pub(super) fn lost(&self, process: usize) {
        self.fail(self.cluster.lost(Loss { process, reason: Reason::Disconnected }));
    }

    /// Whether nothing new may be started.
    pub(super) fn is_winding_down(&self) -> bool {
        self.wind_down.load(Ordering::SeqCst)
    }

    /// Ends the job with an error.
    pub fn fail(&self, error: impl Into<anyhow::Error>) {
        // only the first error is reported; the others are its consequences.
        drop(self.faults.send(error.into()));
        self.failed.store(true, Ordering::SeqCst);
    }

    /// Whether a part of the job has failed in this process.
    pub(super) fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// A position in readable form.
    pub fn place(&self, position: Position) -> Place {
        Place::of(&self.partitions, position)
    }

    /// The name of a topic.
    pub fn topic(&self, index: u8) -> &str {
        catalog::topic(&self.partitions, index)
    }

    /// Sends checkpoints of a policy to the coordinator.
    pub(super) fn checkpoints(&self, policy: PolicyId) -> impl FnMut(TriggerCheckpoint) + use<> {
        let commands = self.commands.clone();
        move |checkpoint| commands.send(Command::Checkpoint(policy, Box::new(checkpoint)))
    }

    /// Sends evaluations of a trigger policy to the coordinator.
    pub(super) fn trigger_evaluations(
        &self,
        policy: PolicyId,
    ) -> impl FnMut(TriggerEvaluation) + use<> {
        let commands = self.commands.clone();
        move |evaluation| commands.send(Command::TriggerEvaluation(policy, Box::new(evaluation)))
    }

    /// The selection checkpoints of a branch for the partitions of `worker`.
    pub(super) fn selection_checkpoints(
        &self,
        branch: &Branch,
        worker: usize,
    ) -> SelectionCheckpoints {
        let mut checkpoints = branch.start.selection_checkpoints.clone();
        let mine = (0..self.partitions.len()).filter(|number| self.worker_of(*number) == worker);
        let mine: Vec<u32> = mine.map(|number| self.partitions[number].id(0).stream()).collect();
        checkpoints.partitions.retain(|stream, _| mine.contains(stream));
        checkpoints
    }

    /// The worker on which the samples of a partition are selected and scored. It is the worker that reads
    /// the partition or, if samples are exchanged by key, the one to which they return.
    pub(super) fn worker_of(&self, number: usize) -> usize {
        match self.pipeline.source.keyed() {
            Some(_) => self.partitions[number].id(0).stream() as usize % self.workers,
            None => number % self.workers,
        }
    }

    /// Creates a trigger policy in its initial state.
    pub(super) fn init(&self, trigger: &TriggerTable) -> Box<dyn Trigger> {
        init(trigger, self.stable)
    }

    /// The first position in a partition that a policy has not observed.
    pub(super) fn resume_at(&self, stream: u32) -> Position {
        let branches = self.branches.iter().map(|branch| branch.resume_at(stream));
        let shadows = self.shadows.iter().map(|shadow| shadow.resume_at());
        branches.chain(shadows).min().unwrap_or(Position::MIN)
    }

    /// The earliest position of new records of a partition.
    pub(super) fn floor(&self, stream: u32) -> Position {
        let branches = self.branches.iter().map(|branch| branch.floor(stream));
        let shadows = self.shadows.iter().map(|shadow| shadow.resume_at());
        branches.chain(shadows).max().unwrap_or(Position::MIN)
    }
}

/// Creates a trigger policy in its initial state. `stable` is whether the stream is declared stable.
pub(super) fn init(trigger: &TriggerTable, stable: bool) -> Box<dyn Trigger> {
    if stable { trigger.init_stable() } else { trigger.init() }
}
