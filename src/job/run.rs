use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::begin::{Begun, begin};
use super::published::{self, Known, Others};
use super::publisher::{Listener, Outlet, Publisher};
use super::rows::LogRows;
use super::watch::{End, Watch};
use super::{Branch, Context, Interrupt, keyed, work};
use crate::catalog::{Catalog, CatalogError, ModelStore};
use crate::config::Pipeline;
use crate::console::Status;
use crate::letters::Letter;
use crate::report::{BranchSummary, Evaluation, Summary};
use crate::sink::Stop;
use crate::source::Partition;
use crate::store::Log;
use crate::train::{DeviceChoice, Rows, Runtime, TrainError, Training};

/// How a job is run; nothing here has an influence on what it decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of workers.
    pub workers: usize,
    /// The state directory; a run that is there goes on, unless `others` are to be ignored (default:
    /// the newest of the pipeline's below `.driftmill`).
    pub state: Option<PathBuf>,
    /// Most messages of a partition in one poll.
    pub poll: usize,
    /// Whether to show progress on stderr.
    pub progress: bool,
    /// What to do about versions that other runs published.
    pub others: Others,
    /// Whether what is read is made durable once a second, and not only with decisions (default
    /// yes); to measure what that costs.
    pub sync: bool,
}

impl Default for Options {
    fn default() -> Self {
        let others = Others::Refuse;
        Self { workers: 1, state: None, poll: 1024, progress: false, others, sync: true }
    }
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it did.
    pub summary: Summary,
    /// Why it ended.
    pub end: End,
}

/// Runs a pipeline to the end of its stream, or until it is interrupted.
///
/// # Errors
/// When the source, the device, a sink or the state directory fails.
pub fn run(pipeline: Pipeline, options: &Options, interrupt: &Interrupt) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let (context, faults) = prepare(pipeline, options)?;
    let context = Arc::new(context);
    context.publish_again()?;
    let finished = start_workers(&context, options.workers)?;
    interrupt.listen();
    let watch = Watch { context: &context, faults, finished, interrupt };
    let end = watch.until_end(options.progress)?;
    let complete = end == End::Complete;
    context.close(complete)?;
    Ok(Ended { summary: summarize(&context, begun.elapsed(), complete), end })
}

fn prepare(
    pipeline: Pipeline,
    options: &Options,
) -> anyhow::Result<(Context, Receiver<anyhow::Error>)> {
    let schema = pipeline.schema().context("the source does not say what its samples are")?;
    let stop = Stop::default();
    let mut sinks = published::open(&pipeline.sink, &pipeline.name, &stop)?;
    let begun = begin(&pipeline, options, &mut sinks)?;
    let Begun { state, catalog, run, pipeline_digest, partitions } = begun;
    let folder = state.path();
    let log = Log::open(&folder.join("log"), schema, &catalog.segments()?)?;
    let log = log.rolling(pipeline.store.segment);
    let rows = Arc::new(LogRows(log.clone()));
    let runtimes = runtimes(&pipeline, rows)?;
    let dead_letters = pipeline.dead_letters.open(&run.id, folder, &stop)?;
    dead_letters.forget(&|letter| is_logged(letter, &partitions, &log))?;
    let status = Status::default();
    let counts = log.counts() + catalog.removed_counts()?;
    status.read(counts.samples, counts.bad, counts.late);
    status.bounded(partitions.iter().all(|partition| partition.end.is_some()));
    let (send, faults) = unbounded();
    let branches = branches(&pipeline, folder, runtimes, (&catalog, &partitions))?;
    let known = Known { run: run.id.clone(), made: branches[0].versions(), adopted: run.adopted };
    let outlets =
        sinks.into_iter().map(|(key, sink)| Ok(Outlet { key, sink, known: catalog.outbox(key)? }));
    let outlets = outlets.collect::<anyhow::Result<_>>()?;
    let catalog = Arc::new(Mutex::new(catalog));
    let records = Records { catalog: Arc::clone(&catalog), faults: send.clone() };
    let publisher = Publisher::start(outlets, &known, Arc::new(records), stop)?;
    let context = Context {
        branches,
        pipeline_digest,
        pipeline,
        run: run.id,
        dead_letters,
        state,
        partitions,
        log,
        catalog,
        publisher,
        classes: Mutex::default(),
        status,
        poll: options.poll.max(1),
        sync: options.sync,
        workers: options.workers,
        stop: AtomicBool::new(false),
        wind_down: AtomicBool::new(false),
        trainings: AtomicUsize::new(0),
        recorded: AtomicBool::new(true),
        faults: send,
    };
    Ok((context, faults))
}

/// Whether a letter of this run is of a message that is in the log.
fn is_logged(letter: &Letter, partitions: &[Partition], log: &Log) -> bool {
    let same = |part: &&Partition| part.topic == letter.topic && part.partition == letter.partition;
    let next = partitions.iter().find(same).and_then(|part| log.next_offset(part.id(0).stream()));
    // labels without a sample are found again.
    letter.error != keyed::NO_SAMPLE && next.is_some_and(|next| letter.offset < next)
}

/// Records what is published; ends the job when a sink fails.
struct Records {
    catalog: Arc<Mutex<Catalog>>,
    faults: Sender<anyhow::Error>,
}

impl Listener for Records {
    fn published(&self, key: &'static str, version: u64, bookmark: Option<&str>) {
        let mut catalog = self.catalog.lock().expect("no one panics in the catalog");
        if let Err(error) = catalog.published(key, version, bookmark) {
            self.failed(error.into());
        }
    }

    fn failed(&self, error: anyhow::Error) {
        // only the first error is reported; the others are its consequences.
        drop(self.faults.send(error));
    }
}

/// A runtime for each branch: one in common on a graphics card; on the processor one each, among
/// which its threads are divided, for small steps gain more from neighbours than from threads.
fn runtimes(pipeline: &Pipeline, rows: Arc<dyn Rows>) -> Result<Vec<Runtime>, TrainError> {
    let branches = 1 + pipeline.compare.len();
    let mut training = pipeline.training.clone();
    let start = |training: &Training| {
        Runtime::start(pipeline.model.clone(), training.clone(), Arc::clone(&rows))
    };
    if training.device != DeviceChoice::Cpu || branches == 1 {
        return Ok(vec![start(&training)?; branches]);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from) / branches;
    training.threads = training.threads.or(NonZeroUsize::new(threads.max(1)));
    (0..branches).map(|_| start(&training)).collect()
}

fn branches(
    pipeline: &Pipeline,
    folder: &Path,
    runtimes: Vec<Runtime>,
    (catalog, partitions): (&Catalog, &[Partition]),
) -> Result<Vec<Arc<Branch>>, CatalogError> {
    let mut runtimes = runtimes.into_iter();
    let interval = pipeline.evaluation.interval.map(|span| span.millis());
    let mut branch = |name: &str, trigger, selection, store: PathBuf| {
        let runtime = runtimes.next().expect("there is one for each branch");
        let (store, start) = (ModelStore::new(store), catalog.branch(name)?);
        let policies = (trigger, selection);
        Branch::new(name, policies, store, (interval, runtime), (start, partitions)).map(Arc::new)
    };
    let (trigger, selection) = (&pipeline.trigger, &pipeline.selection);
    let own = branch("", trigger.clone(), selection.clone(), folder.join("models"));
    let compared = pipeline.compare.iter().map(|(name, comparison)| {
        let selection = comparison.selection.as_ref().unwrap_or(selection).clone();
        let store = folder.join("compare").join(name);
        branch(name, comparison.trigger.clone(), selection, store)
    });
    std::iter::once(own).chain(compared).collect()
}

/// Starts the workers; the receiver hears when all have ended.
fn start_workers(context: &Arc<Context>, workers: usize) -> anyhow::Result<Receiver<()>> {
    let (send, finished) = unbounded();
    let shared = Arc::clone(context);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        work(worker, &shared);
    });
    let guards = guards.map_err(|error| anyhow::anyhow!("starting {workers} workers: {error}"))?;
    std::thread::spawn(move || {
        drop(guards.join());
        if send.send(()).is_err() {
            tracing::debug!("the workers ended after the job");
        }
    });
    Ok(finished)
}

fn summarize(context: &Context, elapsed: Duration, complete: bool) -> Summary {
    let summary = |branch: &Arc<Branch>| {
        let story = branch.story();
        BranchSummary {
            triggers: story.triggers.clone(),
            versions: story.versions.clone(),
            evaluation: Evaluation { prequential: story.prequential.results(branch.interval) },
        }
    };
    let (own, compared) = context.branches.split_first().expect("a job has a branch of its own");
    let BranchSummary { triggers, versions, evaluation } = summary(own);
    Summary {
        run: context.run.clone(),
        state: context.state.path().display().to_string(),
        complete,
        samples: context.status.samples(),
        late: context.status.late(),
        dead_letters: context.status.dead_letters(),
        classes: {
            let length = context.pipeline.evaluation.interval.map(|span| span.millis());
            context.classes.lock().expect("no one panics while counting").results(length)
        },
        triggers,
        versions,
        evaluation,
        compare: compared.iter().map(|branch| (branch.name.clone(), summary(branch))).collect(),
        seconds: elapsed.as_secs_f64(),
    }
}
