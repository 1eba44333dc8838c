//! A follower: a process other than process 0. It runs its workers and handles requests of process 0.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, unbounded};
use driftmill_operators::{Snapshot, restore};

use super::command::InvalidMessages;
use super::log_sync::LogSync;
use super::protocol::{Assignment, CoordinatorRequest, FollowerEvent, Hello, loss};
use crate::cluster::{ClusterError, Joined, Link, Loss, Reason, Rendezvous};
use crate::config::Pipeline;
use crate::console::Status;
use crate::job::branch::restore::{branches, runtimes, shadows};
use crate::job::run::open::default_directory;
use crate::job::run::prepare::start_workers;
use crate::job::run::process::{Opened, Process};
use crate::job::services::feature_store::LogFeatures;
use crate::job::{Context, End, Interrupt, Options, StateDirectory};
use crate::outage::CancellationToken;
use crate::store::Log;

/// The time between two reports of counts.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The longest wait for a message of process 0.
const MOMENT: Duration = Duration::from_millis(20);

/// Takes part in running a pipeline as a follower. Returns the reason why the job ended.
///
/// # Errors
/// When this process fails, or another one is lost.
pub fn follow(pipeline: Pipeline, options: &Options, interrupt: &Interrupt) -> anyhow::Result<End> {
    let cluster = &options.cluster;
    let rendezvous = Rendezvous::open(cluster)?;
    let hello = Hello {
        pipeline: serde_json::to_string(&pipeline)?,
        processes: cluster.size(),
        workers: options.workers,
    };
    let joined = rendezvous.join(hello.save())?;
    let given: Assignment = restore(&joined.given)?;
    let folder = default_directory(&pipeline, options);
    let folder = StateDirectory::marked(&folder, &given.folder, &given.job)
        .inspect_err(|error| rendezvous.leave(error.to_string()))?;
    let wires = rendezvous.connect_all(&given.job, &joined)?;
    let (send, messages) = unbounded();
    let link = link(cluster.name(0), joined, move |word| drop(send.send(word)))?;
    let cancellation = CancellationToken::default();
    let ready = pipeline.schema().context("the source does not define the layout of its samples");
    let ready = ready.and_then(|schema| {
        let log = Log::join(&folder.join("log"), schema, &given.durable)?;
        let log = log.rolling(pipeline.store.segment).cached(None, Some(&cancellation));
        let runtimes = runtimes(&pipeline, Arc::new(LogFeatures(log.clone())))?;
        // a follower does not train and needs no irreducible-loss models.
        let threads = runtimes.into_iter().map(|runtime| (runtime, None)).collect();
        Ok((branches(&pipeline, &folder, threads, given.branches)?, log))
    });
    let (branches, log) = match ready {
        Ok(ready) => ready,
        Err(error) => return Err(report_failure(&link, error, cluster.process)),
    };
    let opened = Opened {
        branches,
        shadows: shadows(&pipeline, given.shadows),
        pipeline_digest: given.pipeline_digest,
        pipeline,
        run: given.run,
        partitions: given.partitions,
        log,
        status: Status::new(cancellation.outages().clone()),
        cancellation,
    };
    let Process { context, invalid, faults, .. } = Process::start(opened, options)?;
    let sync = LogSync::start(&context.log)?;
    let _finished = start_workers(&context, options.workers, wires)?;
    interrupt.listen();
    let mut follower = Follower {
        context: &context,
        link: &link,
        messages,
        faults,
        invalid,
        sync,
        flushing: None,
        interrupt,
    };
    follower.until_end().map_err(|error| report_failure(&link, error, cluster.process))
}

type Received = Result<CoordinatorRequest, Reason>;

fn link(
    name: String,
    joined: Joined,
    on_message: impl FnMut(Received) + Send + 'static,
) -> Result<Link<FollowerEvent>, ClusterError> {
    Link::start(joined.link, on_message).map_err(|source| ClusterError::Io { name, source })
}

/// Reports to process 0 the reason why this process ends.
fn report_failure(
    link: &Link<FollowerEvent>,
    error: anyhow::Error,
    process: usize,
) -> anyhow::Error {
    link.send(FollowerEvent::Lost(loss(&error, process)));
    link.settle();
    error
}

/// Handles requests of process 0 while the workers run.
struct Follower<'a> {
    context: &'a Context,
    /// The link to process 0.
    link: &'a Link<FollowerEvent>,
    messages: Receiver<Received>,
    faults: Receiver<anyhow::Error>,
    invalid: InvalidMessages,
    sync: LogSync,
    /// The number of the request to flush that waits for the disk.
    flushing: Option<u64>,
    interrupt: &'a Interrupt,
}

impl Follower<'_> {
    fn until_end(&mut self) -> anyhow::Result<End> {
        let (mut last_report, mut asked) = (Instant::now(), false);
        loop {
            // an awaited sync is what comes next.
            let wait = if self.flushing.is_some() { Duration::ZERO } else { MOMENT };
            if let Ok(message) = self.messages.recv_timeout(wait) {
                if let Some(end) = self.handle_message(message)? {
                    return Ok(end);
                }
                // requests of process 0 are handled before everything else.
                continue;
            }
            self.send_dead_letters();
            self.flushed()?;
            if let Ok(error) = self.faults.try_recv() {
                return Err(error);
            }
            if self.interrupt.requested() && !asked {
                self.link.send(FollowerEvent::Stop(self.interrupt.gently()));
                asked = true;
            }
            if last_report.elapsed() > REPORT_INTERVAL {
                self.count();
                last_report = Instant::now();
            }
        }
    }

    fn handle_message(&mut self, message: Received) -> anyhow::Result<Option<End>> {
        let lost = |loss| Err(self.context.cluster.lost(loss).into());
        match message {
            Ok(CoordinatorRequest::Flush(number)) => {
                self.flushing = Some(number);
                self.sync.request();
            }
            Ok(CoordinatorRequest::WindDown) => drop(self.context.wind_down()),
            Ok(CoordinatorRequest::Stop) => self.context.stop(),
            Ok(CoordinatorRequest::Over(end)) => return Ok(Some(end)),
            Ok(CoordinatorRequest::Lost(loss)) => return lost(loss),
            Err(reason) => return lost(Loss { process: 0, reason }),
        }
        Ok(None)
    }

    /// ReplySender a request to flush once the rows are durable.
    fn flushed(&mut self) -> anyhow::Result<()> {
        let Some(number) = self.flushing else { return Ok(()) };
        let Some(durable) = self.sync.answer(MOMENT) else { return Ok(()) };
        let durable = durable?;
        self.flushing = None;
        // dead letters are sent before their rows are appended: these are all of them.
        self.send_dead_letters();
        self.count();
        self.context.log.recorded(&durable);
        self.link.send(FollowerEvent::Durable(number, durable));
        Ok(())
    }

    fn send_dead_letters(&mut self) {
        let dead_letters = self.invalid.take();
        if !dead_letters.is_empty() {
            self.link.send(FollowerEvent::DeadLetters(dead_letters));
        }
    }

    fn count(&self) {
        self.link.send(FollowerEvent::Counted(self.context.status.take()));
    }
}
