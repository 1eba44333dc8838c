//! Running a job: attempts until the run ends, and the summary.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use driftmill_operators::flow::ShadowDecision;

use super::end::End;
use super::no_samples::NoSamples;
use super::options::Options;
use super::prepare::{prepare, start_workers};
use crate::catalog::{CatalogError, DecisionRecord};
use crate::cluster::Rendezvous;
use crate::config::Pipeline;
use crate::dead_letters::OnError;
use crate::job::coordinator::main_loop::Coordinator;
use crate::job::maintenance::repair::repair;
use crate::job::{Interrupt, StateDirectory};
use crate::report::{
    BranchSummary, Evaluation, SUMMARY_LIMIT, ShadowDecisionLine, ShadowSummary, Summary,
    TriggerLine,
};

/// The end of a job.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The summary of the run.
    pub summary: Summary,
    /// The reason of the end.
    pub end: End,
    /// Said when the stream has come to its end without a single sample, unless its messages are to be
    /// skipped.
    pub no_samples: Option<NoSamples>,
}

/// Time limit for stopped parts to end.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Runs a pipeline to the end of its stream, or until it is interrupted. With several processes, this is
/// process 0.
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
                let durability = &coordinator.recorder.durability;
                let skip = pipeline.dead_letters.on_error == OnError::Skip;
                let refused = summary.complete && summary.samples == 0 && summary.dead_letters > 0;
                let no_samples = (refused && !skip)
                    .then(|| durability.refused(coordinator.recorder.state.path()));
                return Ok(Ended { summary, end, no_samples });
            }
            Ok(None) => {}
            Err(error) => repair(&coordinator.context, &mut repaired, error)?,
        }
        state = Some(release(coordinator)?);
    }
}

/// Opens a run and has workers continue it until it ends or must be opened again.
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
    let published = coordinator.recorder.publisher.publish_missing(own, catalog);
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

/// Waits until no thread uses the run. Returns its state directory, for resuming it.
fn release(coordinator: Coordinator) -> anyhow::Result<StateDirectory> {
    let Coordinator { context, recorder, .. } = coordinator;
    let (state, publisher) = recorder.release();
    // sinks must have ended before the next attempt takes them over.
    let sinks = publisher.close();
    let since = Instant::now();
    while Arc::strong_count(&context) > 1 || sinks.iter().any(|sink| !sink.is_finished()) {
        ensure!(
            since.elapsed() < STOP_LIMIT,
            "a part of the job could not be stopped\nhint: start it again: it resumes where it was"
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
        let line = |record: DecisionRecord| {
            let position = context.place(record.decision.position);
            TriggerLine::of(record, position)
        };
        let summary = BranchSummary {
            triggers: decisions.into_iter().map(line).collect(),
            versions: catalog.versions(&branch.name, limit)?,
            totals: catalog.totals(&branch.name)?,
            evaluation: Evaluation { prequential },
        };
        compare.insert(branch.name.clone(), summary);
    }
    let own = compare.remove("").expect("a job has a branch of its own");
    let mut shadow = BTreeMap::new();
    for policy in &context.shadows {
        let decisions = catalog.shadow_decisions(&policy.key, limit)?;
        let line = |decision: ShadowDecision| {
            let position = context.place(decision.position);
            ShadowDecisionLine::of(decision, position)
        };
        let summary = ShadowSummary {
            decisions: catalog.shadow(&policy.key)?.next_decision,
            last_decisions: decisions.into_iter().map(line).collect(),
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
        classes: context.classes.lock().results(length),
        own,
        compare,
        shadow,
        outages: context.cancellation.outages().list(),
        seconds: 0.0,
    })
}
