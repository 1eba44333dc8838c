//! Prepares process 0 before its workers start.

use std::sync::Arc;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_operators::{Snapshot, restore};
use serde_json::Value;
use timely::worker::Worker;
use timely::{CommunicationConfig, WorkerConfig};

use super::open::{OpenedRun, open};
use super::pipeline_diff::changed;
use super::process::{Opened, Process};
use crate::catalog::Catalog;
use crate::cluster::{self, Gathered, Rendezvous, Wires};
use crate::config::Pipeline;
use crate::console::Status;
use crate::dead_letters::{DeadLetter, DeadLetterQueue};
use crate::job::branch::restore::{Composed, compose};
use crate::job::coordinator::command::{Command, Commands};
use crate::job::coordinator::durability::Durability;
use crate::job::coordinator::log_sync::LogSync;
use crate::job::coordinator::main_loop::Coordinator;
use crate::job::coordinator::peers::Peers;
use crate::job::coordinator::protocol::{Assignment, Hello};
use crate::job::coordinator::recorder::Recorder;
use crate::job::dataflow::work;
use crate::job::ingest::keyed;
use crate::job::publish::predecessors::{self, Known};
use crate::job::publish::publisher::{Listener, Outlet, Publisher};
use crate::job::services::feature_store::LogFeatures;
use crate::job::{Context, Interrupt, Options, StateDirectory};
use crate::outage::CancellationToken;
use crate::sink::Sink;
use crate::source::Partition;
use crate::store::{Counts, Log};

/// Prepares process 0 and accepts the other processes. A run with a given state directory is opened again,
/// with the current partitions of its stream.
pub(in crate::job) fn prepare(
    pipeline: Pipeline,
    options: &Options,
    state: Option<StateDirectory>,
    rendezvous: Option<Rendezvous>,
    interrupt: &Interrupt,
) -> anyhow::Result<(Coordinator, Wires)> {
    let schema =
        pipeline.schema().context("the source does not define the layout of its samples")?;
    let stop = CancellationToken::default();
    let mut sinks = predecessors::open(&pipeline.sink, &pipeline.name, &stop)?;
    let opened = open(&pipeline, options, &mut sinks, state)?;
    let OpenedRun { state, mut catalog, run, pipeline_digest, partitions } = opened;
    let folder = state.path();
    let durable = catalog.segments()?;
    let cancellation = CancellationToken::sharing(stop.outages());
    let log = Log::open(&folder.join("log"), schema, &durable)?;
    let log = with_tier_limit(log, &pipeline, options, &cancellation);
    let features = Arc::new(LogFeatures(log.clone()));
    let Composed { records, branches, started, shadows } =
        compose(&pipeline, folder, features, &mut catalog, options.stable)?;
    let dead_letters = DeadLetterQueue::open(&pipeline.dead_letters, &run.id, folder, &stop)?;
    dead_letters.retain(&|dead_letter| is_logged(dead_letter, &partitions, &log))?;
    let status = status(&stop, log.counts() + catalog.expired_counts()?, &partitions);
    let assignment = Assignment {
        job: uuid::Uuid::new_v4().to_string(),
        folder: state.name(),
        run: run.id.clone(),
        pipeline_digest: pipeline_digest.clone(),
        partitions: partitions.clone(),
        durable,
        branches: records,
        shadows: started,
    };
    let (peers, wires) = gather(&pipeline, options, rendezvous, &state, &assignment)?;
    let opened = Opened {
        pipeline,
        pipeline_digest,
        run: run.id,
        partitions,
        log,
        branches,
        shadows,
        status,
        cancellation,
    };
    let Process { context, inbox, invalid, faults } = Process::start(opened, options)?;
    let known = Known { run: context.run.clone(), adopted: run.adopted, catalog: state.catalog() };
    let publisher = start_publisher(&context, sinks, &catalog, &known, stop)?;
    let log = context.log.clone();
    let durability = Durability {
        context,
        catalog,
        dead_letters,
        peers,
        inbox,
        invalid,
        sync: LogSync::start(&log)?,
        interrupt: interrupt.clone(),
        full: None,
        reported: false,
    };
    let context = Arc::clone(&durability.context);
    let recorder = Recorder::new(state, durability, publisher)?;
    Ok((Coordinator { context, recorder, faults }, wires))
}

/// The log with the limit of local bytes from the pipeline.
fn with_tier_limit(
    log: Log,
    pipeline: &Pipeline,
    options: &Options,
    cancellation: &CancellationToken,
) -> Log {
    let log = log.rolling(pipeline.store.segment);
    let limit = pipeline.store.tier.as_ref().map(|tier| tier.cache);
    let log = log.cached(limit, Some(cancellation));
    log.evict();
    // a file that is removed while another machine reads it would be missing there.
    if options.cluster.is_single() { log } else { log.cached(None, Some(cancellation)) }
}

/// Waits for the other processes, if there are any, and sends each its assignment.
fn gather(
    pipeline: &Pipeline,
    options: &Options,
    rendezvous: Option<Rendezvous>,
    state: &StateDirectory,
    assignment: &Assignment,
) -> anyhow::Result<(Peers, Wires)> {
    let none = Gathered { links: Vec::new(), wires: Vec::new() };
    let gathered = match rendezvous {
        None => none,
        Some(rendezvous) => {
            state.mark(&assignment.job)?;
            let own = serde_json::to_value(pipeline)?;
            let given = assignment.save();
            rendezvous.gather(&assignment.job, &|hello| {
                let hello = restore(hello).map_err(|error| error.to_string())?;
                fits(&own, options, &hello).map(|()| given.clone())
            })
        }
    };
    Ok(Peers::new(&options.cluster, gathered)?)
}

/// Checks that a process would run the same job as this one.
fn fits(own: &Value, options: &Options, hello: &Hello) -> Result<(), String> {
    let ours = (options.cluster.size(), options.workers);
    if (hello.processes, hello.workers) != ours {
        let Hello { processes, workers, .. } = hello;
        return Err(format!(
            "it was started for {processes} processes with {workers} workers each, process 0 for \
             {} with {}",
            ours.0, ours.1
        ));
    }
    let pipeline = serde_json::from_str(&hello.pipeline).map_err(|error| error.to_string())?;
    let keys = changed(own, &pipeline);
    let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
    if keys.is_empty() {
        return Ok(());
    }
    Err(format!("its pipeline differs in {}", keys.join(", ")))
}

/// The initial status of a job whose log has these counts.
fn status(stop: &CancellationToken, counts: Counts, partitions: &[Partition]) -> Status {
    let status = Status::new(stop.outages().clone());
    status.read(counts.samples, counts.invalid, counts.late);
    status.bounded(partitions.iter().all(|partition| partition.end.is_some()));
    status
}

/// Whether the message of one of this run's dead letters is in the log.
fn is_logged(dead_letter: &DeadLetter, partitions: &[Partition], log: &Log) -> bool {
    let same = |part: &&Partition| {
        part.topic == dead_letter.topic && part.partition == dead_letter.partition
    };
    let next = partitions.iter().find(same).and_then(|part| log.next_offset(part.id(0).stream()));
    // labels without a sample are found again.
    dead_letter.error != keyed::NO_SAMPLE && next.is_some_and(|next| dead_letter.offset < next)
}

/// Starts a thread for each sink, which takes it over and publishes the missing versions.
fn start_publisher(
    context: &Context,
    sinks: Vec<(&'static str, Box<dyn Sink>)>,
    catalog: &Catalog,
    known: &Known,
    stop: CancellationToken,
) -> anyhow::Result<Publisher> {
    let outlet = |(key, sink)| Ok(Outlet { key, sink, known: catalog.outbox(key)? });
    let outlets = sinks.into_iter().map(outlet).collect::<anyhow::Result<_>>()?;
    let listener = Listening { commands: context.commands.clone(), faults: context.faults.clone() };
    Publisher::start(outlets, known, Arc::new(listener), stop)
}

/// Reports events of sinks to the coordinator.
struct Listening {
    commands: Commands,
    faults: Sender<anyhow::Error>,
}

impl Listener for Listening {
    fn published(&self, sink: &'static str, version: u64, bookmark: Option<&str>) {
        let bookmark = bookmark.map(str::to_owned);
        self.commands.send(Command::Published { sink, version, bookmark });
    }

    fn failed(&self, error: anyhow::Error) {
        // only the first error is reported; the others are its consequences.
        drop(self.faults.send(error));
    }
}

/// Starts the workers of this process. The receiver gets a message when all have ended.
pub(in crate::job) fn start_workers(
    context: &Arc<Context>,
    workers: usize,
    wires: Wires,
) -> anyhow::Result<Receiver<()>> {
    let (send, finished) = unbounded();
    let (shared, on_loss) = (Arc::clone(context), Arc::clone(context));
    let work = move |worker: &mut Worker| work(worker, &shared);
    let (builders, guard) = if context.cluster.is_single() {
        CommunicationConfig::Process(workers).try_build().map_err(anyhow::Error::msg)?
    } else {
        cluster::workers(&context.cluster, workers, wires, move |lost| on_loss.lost(lost))?
    };
    let guards = timely::execute::execute_from(builders, guard, WorkerConfig::default(), work);
    let guards = guards.map_err(|error| anyhow::anyhow!("starting {workers} workers: {error}"))?;
    std::thread::spawn(move || {
        drop(guards.join());
        if send.send(()).is_err() {
            tracing::debug!("the workers ended after the job");
        }
    });
    Ok(finished)
}
