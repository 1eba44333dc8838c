use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};

use super::Interrupt;
use super::context::{Branch, Context};
use super::rows::LogRows;
use super::state::StateDirectory;
use super::work;
use crate::catalog::{Catalog, ModelStore, hex};
use crate::config::Pipeline;
use crate::console::{Progress, Status};
use crate::report::{BranchSummary, Evaluation, Summary};
use crate::sink::Sink;
use crate::store::{DeadLetters, Log};
use crate::train::{DeviceChoice, Rows, Runtime, TrainError, Training};

/// How a job is run; nothing here has an influence on what it decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of workers.
    pub workers: usize,
    /// The state directory (default: a new one below `.driftmill`).
    pub state: Option<PathBuf>,
    /// Most messages of a partition in one poll.
    pub poll: usize,
    /// Whether to show progress on stderr.
    pub progress: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { workers: 1, state: None, poll: 1024, progress: false }
    }
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it did.
    pub summary: Summary,
    /// Whether it was interrupted before the end of the stream.
    pub interrupted: bool,
}

/// Runs a pipeline to the end of its stream, or until it is interrupted.
///
/// # Errors
/// When the source, the device, a sink or the state directory fails.
pub fn run(pipeline: Pipeline, options: &Options, interrupt: &Interrupt) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let (context, faults) = prepare(pipeline, options)?;
    let context = Arc::new(context);
    let finished = start_workers(&context, options.workers)?;
    interrupt.listen();
    let watch = Watch { context: &context, faults, finished, interrupt };
    let interrupted = watch.until_end(options.progress)?;
    Ok(Ended { summary: summarize(&context, begun.elapsed(), !interrupted), interrupted })
}

fn prepare(
    pipeline: Pipeline,
    options: &Options,
) -> anyhow::Result<(Context, Receiver<anyhow::Error>)> {
    let partitions = pipeline.source.resolve()?;
    let schema = pipeline.schema().context("the source does not say what its samples are")?;
    let json = serde_json::to_string(&pipeline).expect("a pipeline is plain data");
    let run = uuid::Uuid::new_v4().to_string();
    let own = || Path::new(".driftmill").join(&pipeline.name).join(&run[..8]);
    let state = StateDirectory::create(&options.state.clone().unwrap_or_else(own))?;
    let folder = state.path();
    let log = Log::create(&folder.join("log"), schema)?;
    let rows = Arc::new(LogRows(log.clone()));
    let runtimes = runtimes(&pipeline, rows)?;
    let catalog = Catalog::create(&folder.join("catalog.sqlite"), &run, &json, &partitions)?;
    let letters = pipeline.dead_letters.file.clone();
    let letters = letters.unwrap_or_else(|| folder.join("dead-letters.jsonl"));
    let mut sinks: Vec<(&'static str, Box<dyn Sink>)> = Vec::new();
    for (key, sink) in pipeline.sink.named() {
        sinks.push((key, sink.open().with_context(|| format!("opening sink.{key}"))?));
    }
    let status = Status::default();
    status.bounded(partitions.iter().all(|partition| partition.end.is_some()));
    let (send, faults) = unbounded();
    let context = Context {
        branches: branches(&pipeline, folder, runtimes),
        pipeline_digest: {
            use sha2::Digest;
            hex(&sha2::Sha256::digest(json.as_bytes()))
        },
        pipeline,
        run,
        dead_letters: DeadLetters::open(&letters)?,
        state,
        partitions,
        log,
        catalog: Mutex::new(catalog),
        sinks: Mutex::new(sinks),
        classes: Mutex::default(),
        status,
        poll: options.poll.max(1),
        stop: AtomicBool::new(false),
        faults: send,
    };
    Ok((context, faults))
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

fn branches(pipeline: &Pipeline, folder: &Path, runtimes: Vec<Runtime>) -> Vec<Arc<Branch>> {
    let mut runtimes = runtimes.into_iter();
    let mut runtime = || runtimes.next().expect("there is one for each branch");
    let interval = pipeline.evaluation.interval.map(|span| span.millis());
    let own = Branch::new(
        "",
        pipeline.trigger.clone(),
        pipeline.selection.clone(),
        ModelStore::new(folder.join("models")),
        (interval, runtime()),
    );
    let compared = pipeline.compare.iter().map(|(name, comparison)| {
        let selection = comparison.selection.clone().unwrap_or_else(|| pipeline.selection.clone());
        let store = ModelStore::new(folder.join("compare").join(name));
        Branch::new(name, comparison.trigger.clone(), selection, store, (interval, runtime()))
    });
    std::iter::once(own).chain(compared).map(Arc::new).collect()
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

/// How long an interrupted job may take to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Watches over running workers.
struct Watch<'a> {
    context: &'a Arc<Context>,
    faults: Receiver<anyhow::Error>,
    finished: Receiver<()>,
    interrupt: &'a Interrupt,
}

impl Watch<'_> {
    /// Waits for the end; whether it was an interruption.
    fn until_end(&self, show: bool) -> anyhow::Result<bool> {
        let mut progress = show.then(Progress::start);
        let mut interrupted: Option<Instant> = None;
        let ended = loop {
            if let Ok(error) = self.faults.try_recv() {
                break Err(error);
            }
            match self.finished.recv_timeout(Duration::from_millis(50)) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.interrupt.requested() && interrupted.is_none() {
                interrupted = Some(Instant::now());
                self.stop();
            }
            // a part that hangs outside, as in a sink, is left behind.
            if interrupted.is_some_and(|since| since.elapsed() > GRACE) {
                tracing::warn!("not all parts of the job could be stopped");
                break Ok(());
            }
            if let Some(progress) = &mut progress {
                progress.show(&self.context.status);
            }
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        if ended.is_err() {
            self.stop();
        }
        let interrupted = interrupted.is_some();
        // an error on the last steps may arrive together with the end.
        match self.faults.try_recv() {
            Ok(error) if ended.is_ok() && !interrupted => Err(error),
            _ => ended.map(|()| interrupted),
        }
    }

    fn stop(&self) {
        self.context.stop.store(true, Ordering::Relaxed);
        self.context.branches.iter().for_each(|branch| branch.runtime.stop());
    }
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
