//! Thresholds for a wanted rate of false alarms, from a part of the stream that is declared stable.
//!
//! The pipeline runs once on this part, in a temporary state directory. The pipeline's own trigger trains
//! only by numbers of samples, by time and in its warm-up. In addition, all policies of the pipeline run as
//! shadows, whose measurements lead to no decisions.

mod policies;
mod propose;

pub use propose::{Basis, Proposal};

use std::num::NonZeroU64;
use std::sync::Arc;

use anyhow::Context as _;
use driftmill_operators::calibration::Rate;
use serde::Serialize;

use crate::config::{Pipeline, Shadow, shadow_key};
use crate::history::History;
use crate::job::{self, End, Interrupt, Options};
use crate::retention::{EvaluationRetention, Retention};
use crate::sink::SinkTable;
use crate::source::TimeRange;

/// The pipeline to calibrate, and the stable part of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// The wanted share of evaluations that are false alarms.
    pub rate: Rate,
    /// The used samples, by event time (default: all).
    pub range: Option<TimeRange>,
}

/// The result for the policies of a pipeline.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Calibrated {
    /// Proposals, one policy after another.
    pub proposals: Vec<Proposal>,
    /// Policies without a threshold to calibrate, each with its key.
    pub left_out: Vec<String>,
    /// Number of samples in the stable part.
    pub samples: u64,
}

/// The run of the stable part was stopped before its end.
#[derive(Debug, thiserror::Error)]
#[error("stopped before the end of the stretch")]
pub struct Stopped;

/// Runs the stable part, and proposes a value with the wanted rate of false alarms for each threshold of
/// each policy.
///
/// # Errors
/// When the stream cannot be run to the end of this part.
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
    let folder =
        tempfile::tempdir().context("creating a temporary folder for the calibration run")?;
    let state = folder.path().join("state");
    let options = Options { state: Some(state.clone()), stable: true, ..options.clone() };
    let ended = job::run(shadowed(pipeline, &policies, stretch.range), &options, interrupt)?;
    if ended.end != End::Complete {
        return Err(Stopped.into());
    }
    let history = History::open(&state)?;
    let mut proposals = Vec::new();
    for policy in &policies {
        let evaluations = history.catalog.trigger_evaluations(&shadow_key(&policy.name))?;
        proposals.extend(propose::propose(policy, &evaluations, stretch.rate, &json));
    }
    Ok(Calibrated { proposals, left_out, samples: ended.summary.samples })
}

/// The pipeline with shadows for all its policies. It publishes nothing and ends with the stream.
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
    pipeline.source.end_at_current_end();
    pipeline
}
