//! Thresholds for a wanted rate of false alarms, from a stretch of stream that is declared stable.
//!
//! The stretch is run once, in a state directory that is thrown away: the pipeline's own trigger
//! trains where it counts samples or time and in its warm-up, and no more. All policies of the
//! pipeline are shown the stream beside it, as shadows that measure and let nothing come of it.

mod policies;
mod propose;

pub use propose::{Basis, Proposal};

use std::num::NonZeroU64;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use driftmill_operators::calibration::Rate;
use serde::Serialize;

use crate::config::{Pipeline, Shadow, shadow_key};
use crate::history::History;
use crate::job::{self, End, Interrupt, Options};
use crate::retention::{EvaluationRetention, Retention};
use crate::sink::SinkTable;
use crate::source::TimeRange;

/// The policies to calibrate, and the stretch of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// The wanted share of evaluations that are false alarms.
    pub rate: Rate,
    /// The samples that are taken, by event time (default: all).
    pub range: Option<TimeRange>,
}

/// The result for the policies of a pipeline.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calibrated {
    /// Proposals, policy after policy.
    pub proposals: Vec<Proposal>,
    /// Policies that have no such threshold, each with its key.
    pub left_out: Vec<String>,
    /// Samples of the stretch.
    pub samples: u64,
}

/// Runs the stretch, and proposes for each threshold of each policy one that has the wanted rate of
/// false alarms there.
///
/// # Errors
/// When the stream cannot be run to the end of the stretch.
pub fn calibrate(
    pipeline: Pipeline,
    stretch: Stretch,
    options: &Options,
    interrupt: &Arc<Interrupt>,
) -> anyhow::Result<Calibrated> {
    let json = serde_json::to_value(&pipeline)?;
    let (policies, left_out) = policies::all(&pipeline);
    if policies.is_empty() {
        return Ok(Calibrated { left_out, ..Calibrated::default() });
    }
    let folder = tempfile::tempdir().context("making a folder for a run that is thrown away")?;
    let state = folder.path().join("state");
    let options = Options { state: Some(state.clone()), stable: true, ..options.clone() };
    let ended = job::run(shadowed(pipeline, &policies, stretch.range), &options, interrupt)?;
    ensure!(ended.end == End::Complete, "stopped before the end of the stretch");
    let history = History::open(&state)?;
    let mut proposals = Vec::new();
    for policy in &policies {
        let evaluations = history.catalog.trigger_evaluations(&shadow_key(&policy.name))?;
        proposals.extend(propose::propose(policy, &evaluations, stretch.rate, &json));
    }
    Ok(Calibrated { proposals, left_out, samples: ended.summary.samples })
}

/// The pipeline with shadows for all its policies, which publishes nothing and ends.
fn shadowed(
    mut pipeline: Pipeline,
    policies: &[policies::Policy],
    range: Option<TimeRange>,
) -> Pipeline {
    let shadow = |policy: &policies::Policy| {
        (policy.name.clone(), Shadow { trigger: policy.trigger.clone() })
    };
    pipeline.shadow = policies.iter().map(shadow).collect();
    pipeline.compare.clear();
    pipeline.on_delete = Default::default();
    pipeline.sink = SinkTable::default();
    pipeline.dead_letters = Default::default();
    pipeline.retention = Retention {
        trigger_evaluations: EvaluationRetention { keep: NonZeroU64::MAX },
        ..Retention::default()
    };
    pipeline.store = Default::default();
    pipeline.order.time_range = range.or(pipeline.order.time_range);
    pipeline.source.end_with_what_is_there();
    pipeline
}
