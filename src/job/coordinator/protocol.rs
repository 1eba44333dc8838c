//! Messages between the processes of a job, outside the dataflow.

use serde::{Deserialize, Serialize};

use crate::catalog::{BranchRecord, ShadowRecord};
use crate::cluster::{ClusterError, Loss, Reason};
use crate::console::Tally;
use crate::dead_letters::DeadLetter;
use crate::job::End;
use crate::source::Partition;
use crate::store::SegmentLength;

/// The greeting of a process that wants to take part.
#[derive(Serialize, Deserialize)]
pub(in crate::job) struct Hello {
    /// Its pipeline, as JSON.
    pub(in crate::job) pipeline: String,
    pub(in crate::job) processes: usize,
    /// Number of workers of each process.
    pub(in crate::job) workers: usize,
}

/// The data that a follower needs from process 0 to run its workers.
#[derive(Serialize, Deserialize)]
pub(in crate::job) struct Assignment {
    /// The job's unique name, which is also written in the state directory.
    pub(in crate::job) job: String,
    /// The last part of the state directory's path.
    pub(in crate::job) folder: String,
    pub(in crate::job) run: String,
    pub(in crate::job) pipeline_digest: String,
    pub(in crate::job) partitions: Vec<Partition>,
    /// The durable lengths of the log.
    pub(in crate::job) durable: Vec<SegmentLength>,
    /// The checkpoints of the branches.
    pub(in crate::job) branches: Vec<BranchRecord>,
    /// The checkpoints of the shadows.
    pub(in crate::job) shadows: Vec<ShadowRecord>,
}

/// An event that a follower reports to process 0.
#[derive(Serialize, Deserialize)]
pub(in crate::job) enum FollowerEvent {
    /// Counts since the last report.
    Counted(Tally),
    /// Invalid messages.
    DeadLetters(Vec<DeadLetter>),
    /// The answer to [`CoordinatorRequest::Flush`], after all events that were sent before it.
    Durable(u64, Vec<SegmentLength>),
    /// A user asks the job to end, gently or not.
    Stop(bool),
    /// A process was lost, possibly the sender.
    Lost(Loss),
}

/// A request of process 0 to the followers.
#[derive(Serialize, Deserialize)]
pub(in crate::job) enum CoordinatorRequest {
    /// To make its records durable, and to report their lengths. Requests are numbered.
    Flush(u64),
    /// To start nothing new.
    WindDown,
    /// To stop.
    Stop,
    /// To end: the job is over.
    Over(End),
    /// To end: a process was lost.
    Lost(Loss),
}

/// The meaning of an error of `process`, which ends with it, for other processes.
pub(in crate::job) fn loss(error: &anyhow::Error, process: usize) -> Loss {
    match error.downcast_ref() {
        Some(ClusterError::Lost { loss, .. }) => loss.clone(),
        _ => Loss { process, reason: Reason::Failed(format!("{error:#}")) },
    }
}
