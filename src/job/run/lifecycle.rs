use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::prepare::{prepare, start_workers};
use super::supervise::{End, Watch};
use crate::cluster::{Cluster, Rendezvous};
use crate::config::Pipeline;
use crate::job::coordinator::peers::Peers;
use crate::job::coordinator::role::{Coordinator, Role};
use crate::job::maintenance::repair::repair;
use crate::job::publish::predecessors::Others;
use crate::job::{Branch, Context, Interrupt, Shadow, StateDirectory};
use crate::report::{BranchSummary, Evaluation, ShadowSummary, Summary};

/// How a job is run; but for `stable` nothing here has an
/// influence on what it decides.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of workers of each process.
    pub workers: usize,
    /// The processes that run it.
    pub cluster: Cluster,
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
    /// Whether the stream is declared stable: policies measure and let nothing come of it, so that
    /// only what counts samples or time trains (default no).
    pub stable: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            cluster: Cluster::default(),
            state: None,
            poll: 1024,
            progress: false,
            others: Others::Refuse,
            sync: true,
            stable: false,
        }
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

/// How long what was stopped may take to end.
const CANCELLATION: Duration = Duration::from_secs(60);

/// Runs a pipeline to the end of its stream, or until it is interrupted; where several processes run
/// it, as process 0.
///
/// # Errors
/// When the source, the device, a sink or the state directory fails, or another process is lost.
pub fn run(pipeline: Pipeline, options: &Options, interrupt: &Interrupt) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let (mut state, mut mended) = (None, BTreeSet::new());
    loop {
        let (context, ended) = attempt(&pipeline, options, interrupt, state)?;
        match ended {
            Ok(Some(end)) => {
                let summary = summarize(&context, begun.elapsed(), end == End::Complete);
                return Ok(Ended { summary, end });
            }
            Ok(None) => {}
            Err(error) => repair(&context, &mut mended, error)?,
        }
        state = Some(evict(context)?);
    }
}

/// Opens a run and has workers go on with it until it ends, or is to be opened again.
fn attempt(
    pipeline: &Pipeline,
    options: &Options,
    interrupt: &Interrupt,
    state: Option<StateDirectory>,
) -> anyhow::Result<(Arc<Context>, anyhow::Result<Option<End>>)> {
    let cluster = &options.cluster;
    let rendezvous = match cluster.is_single() {
        true => None,
        false => Some(Rendezvous::open(cluster)?),
    };
    let (context, faults, wires) = prepare(pipeline.clone(), options, (state, rendezvous))?;
    let context = Arc::new(context);
    Peers::listen(&context);
    let end = context.publish_missing().and_then(|()| {
        let finished = start_workers(&context, options.workers, wires)?;
        interrupt.listen();
        let watch = Watch { context: &context, faults, finished, interrupt };
        let end = watch.until_end(options.progress)?;
        context.close(end == Some(End::Complete))?;
        Ok(end)
    });
    context.coordinator().peers.end(&end);
    Ok((context, end))
}

/// Waits until nobody uses the run any more; its state directory, to go on.
fn evict(mut context: Arc<Context>) -> anyhow::Result<StateDirectory> {
    let begun = Instant::now();
    let wait = || {
        ensure!(
            begun.elapsed() < CANCELLATION,
            "a part of the job could not be stopped\nhint: start it again, it goes on where it is"
        );
        std::thread::sleep(Duration::from_millis(10));
        Ok(())
    };
    let coordinator = loop {
        context = match Arc::try_unwrap(context) {
            Ok(Context { role: Role::Coordinator(coordinator), .. }) => break coordinator,
            Ok(context) => Arc::new(context),
            Err(context) => context,
        };
        wait()?;
    };
    let Coordinator { state, catalog, publisher, .. } = *coordinator;
    // sinks record in the catalog what they published, until nothing is left to be sent.
    drop(publisher);
    while Arc::strong_count(&catalog) > 1 {
        wait()?;
    }
    Ok(state)
}

fn summarize(context: &Context, elapsed: Duration, complete: bool) -> Summary {
    let summary = |branch: &Arc<Branch>| {
        let history = branch.history();
        BranchSummary {
            triggers: history.triggers.clone(),
            versions: history.versions.clone(),
            evaluation: Evaluation { prequential: history.prequential.results(branch.interval) },
        }
    };
    let (own, compared) = context.branches.split_first().expect("a job has a branch of its own");
    let BranchSummary { triggers, versions, evaluation } = summary(own);
    Summary {
        run: context.run.clone(),
        state: context.coordinator().state.path().display().to_string(),
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
        shadow: {
            let fired = |shadow: &Arc<Shadow>| ShadowSummary { fired: shadow.fired() };
            context.shadows.iter().map(|shadow| (shadow.name.clone(), fired(shadow))).collect()
        },
        outages: context.cancellation.outages().list(),
        seconds: elapsed.as_secs_f64(),
    }
}
