//! Running a job: attempts until the run ends, and the summary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use driftmill_operators::flow::ShadowDecision;

use super::prepare::{prepare, start_workers};
use super::supervise::End;
use crate::catalog::CatalogError;
use crate::cluster::{Cluster, Rendezvous};
use crate::config::Pipeline;
use crate::job::coordinator::main_loop::Coordinator;
use crate::job::maintenance::repair::repair;
use crate::job::publish::predecessors::Others;
use crate::job::{Interrupt, StateDirectory};
use crate::report::{
    BranchSummary, Evaluation, SUMMARY_LIMIT, ShadowDecisionLine, ShadowSummary, Summary,
    TriggerLine, VersionLine,
};

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
    /// How versions that other runs published are treated.
    pub others: Others,
    /// Whether what is read is made durable once a second, and not only with decisions (default
    /// yes); to measure what that costs.
    pub sync: bool,
    /// Whether the stream is declared stable: policies measure and let nothing come of it, so that
    /// only what counts samples or time trains (default no).
    pub stable: bool,
    /// Whether the summary lists all decisions and versions, not only the last [`SUMMARY_LIMIT`]
    /// (default no).
    pub all: bool,
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
            all: false,
        }
    }
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The summary of the run.
    pub summary: Summary,
    /// Why it ended.
    pub end: End,
}

/// How long stopped parts may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Runs a pipeline to the end of its stream, or until it is interrupted; where several processes run
/// it, as process 0.
///
/// # Errors
/// When the source, the device, a sink or the state directory fails, or another process is lost.
pub fn run(pipeline: Pipeline, options: &Options, interrupt: &Interrupt) -> anyhow::Result<Ended> {
    let since = Instant::now();
    let (mut state, mut repaired) = (None, BTreeSet::new());
    loop {
        let (coordinator, ended) = attempt(&pipeline, options, interrupt, state)?;
        match ended {
            Ok(Some(end)) => {
                let limit = (!options.all).then_some(SUMMARY_LIMIT);
                let mut summary = summarize(&coordinator, limit)?;
                summary.complete = end == End::Complete;
                summary.seconds = since.elapsed().as_secs_f64();
                return Ok(Ended { summary, end });
            }
            Ok(None) => {}
            Err(error) => repair(&coordinator.context, &mut repaired, error)?,
        }
        state = Some(release(coordinator)?);
    }
}

/// Opens a run and has workers continue it until it ends, or is to be opened again.
fn attempt(
    pipeline: &Pipeline,
    options: &Options,
    interrupt: &Interrupt,
    state: Option<StateDirectory>,
) -> anyhow::Result<(Coordinator, anyhow::Result<Option<End>>)> {
    let cluster = &options.cluster;
    let rendezvous = if cluster.is_single() { None } else { Some(Rendezvous::open(cluster)?) };
    let (mut coordinator, wires) =
        prepare(pipeline.clone(), options, state, rendezvous, interrupt)?;
    let (own, catalog) =
        (&coordinator.context.branches[0], &coordinator.recorder.durability.catalog);
    let sinks: Vec<&str> = pipeline.sink.named().iter().map(|(key, _)| *key).collect();
    let published = coordinator.recorder.publisher.publish_missing(own, catalog, &sinks);
    let end = published.and_then(|()| {
        let finished = start_workers(&coordinator.context, options.workers, wires)?;
        interrupt.listen();
        let end = coordinator.until_end(&finished, interrupt, options.progress)?;
        coordinator.close(end == Some(End::Complete), interrupt)?;
        Ok(end)
    });
    coordinator.recorder.durability.peers.end(&end);
    Ok((coordinator, end))
}

/// Waits until no thread uses the run; returns its state directory, to resume it.
fn release(coordinator: Coordinator) -> anyhow::Result<StateDirectory> {
    let Coordinator { context, recorder, .. } = coordinator;
    let (state, publisher) = recorder.release();
    // sinks must have ended before the next attempt takes them over.
    let sinks = publisher.close();
    let since = Instant::now();
    while Arc::strong_count(&context) > 1 || sinks.iter().any(|sink| !sink.is_finished()) {
        ensure!(
            since.elapsed() < STOP_LIMIT,
            "a part of the job could not be stopped\nhint: start it again, it resumes where it was"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(state)
}

/// The summary of a run that ended, with the last `limit` decisions and versions of each policy.
fn summarize(coordinator: &Coordinator, limit: Option<u64>) -> Result<Summary, CatalogError> {
    let (context, catalog) = (&coordinator.context, &coordinator.recorder.durability.catalog);
    let mut compare = BTreeMap::new();
    for (branch, history) in context.branches.iter().zip(&coordinator.recorder.histories) {
        let prequential = history.prequential.results(branch.interval);
        let decisions = catalog.decisions(&branch.name, limit)?;
        let triggers = decisions
            .iter()
            .map(|record| TriggerLine::of(record, context.place(record.decision.position)));
        let versions = catalog.versions(&branch.name, limit)?;
        let summary = BranchSummary {
            triggers: triggers.collect(),
            versions: versions.into_iter().map(VersionLine::from).collect(),
            totals: catalog.totals(&branch.name)?.into(),
            evaluation: Evaluation { prequential },
        };
        compare.insert(branch.name.clone(), summary);
    }
    let own = compare.remove("").expect("a job has a branch of its own");
    let BranchSummary { triggers, versions, totals, evaluation } = own;
    let mut shadow = BTreeMap::new();
    for policy in &context.shadows {
        let decisions = catalog.shadow_decisions(&policy.key, limit)?;
        let line =
            |last: &ShadowDecision| ShadowDecisionLine::of(last, context.place(last.position));
        let summary = ShadowSummary {
            decisions: catalog.shadow(&policy.key)?.next_decision,
            last_decisions: decisions.iter().map(line).collect(),
        };
        shadow.insert(policy.name.clone(), summary);
    }
    let length = context.pipeline.evaluation.interval.map(|span| span.millis());
    Ok(Summary {
        run: context.run.clone(),
        state: coordinator.recorder.state.path().display().to_string(),
        complete: false,
        samples: context.status.samples(),
        late: context.status.late(),
        dead_letters: context.status.dead_letters(),
        classes: context.classes.lock().expect("no one panics while counting").results(length),
        triggers,
        versions,
        totals,
        evaluation,
        compare,
        shadow,
        outages: context.cancellation.outages().list(),
        seconds: 0.0,
    })
}
