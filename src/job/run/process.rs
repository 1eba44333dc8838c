//! The parts that every process of a job has, the coordinator and the followers.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crossbeam_channel::{Receiver, unbounded};
use parking_lot::Mutex;

use crate::config::Pipeline;
use crate::console::Status;
use crate::job::coordinator::command::{Inbox, InvalidMessages, commands};
use crate::job::services::reads::Reads;
use crate::job::{Branch, Context, Options, Shadow};
use crate::outage::CancellationToken;
use crate::source::Partition;
use crate::store::Log;

/// The parts of a process that are opened before its workers start.
pub(in crate::job) struct Opened {
    pub(in crate::job) pipeline: Pipeline,
    pub(in crate::job) pipeline_digest: String,
    pub(in crate::job) run: String,
    pub(in crate::job) partitions: Vec<Partition>,
    pub(in crate::job) log: Log,
    pub(in crate::job) branches: Vec<Arc<Branch>>,
    pub(in crate::job) shadows: Vec<Arc<Shadow>>,
    pub(in crate::job) status: Status,
    pub(in crate::job) cancellation: CancellationToken,
}

/// The context of a process with the receiving ends of its queues.
pub(in crate::job) struct Process {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) inbox: Inbox,
    pub(in crate::job) invalid: InvalidMessages,
    pub(in crate::job) faults: Receiver<anyhow::Error>,
}

impl Process {
    /// Builds a process, and starts its thread for reads.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub(in crate::job) fn start(opened: Opened, options: &Options) -> std::io::Result<Self> {
        let (faults_send, faults) = unbounded();
        let (commands, inbox, invalid) = commands();
        let context = Arc::new(Context {
            pipeline: opened.pipeline,
            pipeline_digest: opened.pipeline_digest,
            run: opened.run,
            partitions: opened.partitions,
            log: opened.log,
            commands,
            reads: Reads::start()?,
            failed: AtomicBool::new(false),
            classes: Mutex::default(),
            status: opened.status,
            branches: opened.branches,
            shadows: opened.shadows,
            poll: options.poll.max(1),
            sync: options.sync,
            stable: options.stable,
            workers: options.workers * options.cluster.size(),
            cancellation: opened.cancellation,
            cluster: options.cluster.clone(),
            stop: AtomicBool::new(false),
            grown: AtomicBool::new(false),
            wind_down: AtomicBool::new(false),
            faults: faults_send,
        });
        Ok(Self { context, inbox, invalid, faults })
    }
}
