//! The summary of a run: the JSON object that `driftmill run --json` ends with.

use std::collections::BTreeMap;

use driftmill_operators::flow::ShadowDecision;
use driftmill_operators::trigger::Reason;
use serde::Serialize;

use crate::catalog::{BranchTotals, DecisionRecord, Place, VersionRecord};
use crate::evaluate::{Classes, Results};
use crate::outage::Outage;

/// Decisions and versions of each policy that a summary lists, the last ones, unless all are wanted.
pub const SUMMARY_LIMIT: u64 = 1000;

/// The summary of a run: the JSON object that `driftmill run --json` ends with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The run's unique name.
    pub run: String,
    /// The run's state directory.
    pub state: String,
    /// Whether the stream came to its end; false after an interruption.
    pub complete: bool,
    /// Samples read.
    pub samples: u64,
    /// Of these, samples that came late and were admitted.
    pub late: u64,
    /// Messages that were not samples.
    pub dead_letters: u64,
    /// Samples of each class, per interval of the evaluation: those that are there, not those that
    /// were replaced or deleted, each by its newest label.
    pub classes: Vec<Classes>,
    /// The last decisions, in order.
    pub triggers: Vec<TriggerLine>,
    /// The last model versions, in order.
    pub versions: Vec<VersionLine>,
    /// Counts of all decisions and versions.
    pub totals: Totals,
    /// How good they were.
    pub evaluation: Evaluation,
    /// The policies that the pipeline's own were compared with.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub compare: BTreeMap<String, BranchSummary>,
    /// Policies that train nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shadow: BTreeMap<String, ShadowSummary>,
    /// The outages since the job was started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// How long the run took.
    pub seconds: f64,
}

/// Evaluations of a composition of policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Each sample scored by the version that was active when it came.
    pub prequential: Results,
}

/// The summary of one composition of policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BranchSummary {
    /// The last decisions, in order.
    pub triggers: Vec<TriggerLine>,
    /// The last model versions, in order.
    pub versions: Vec<VersionLine>,
    /// Counts of all decisions and versions.
    pub totals: Totals,
    /// How good they were.
    pub evaluation: Evaluation,
}

/// Counts of all decisions and versions of a composition of policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Decisions.
    pub triggers: u64,
    /// Model versions.
    pub versions: u64,
    /// Samples that the versions trained on.
    pub samples: u64,
    /// Duration of all trainings, which differs from run to run.
    #[serde(skip)]
    pub training_seconds: f64,
}

impl From<BranchTotals> for Totals {
    fn from(totals: BranchTotals) -> Self {
        let BranchTotals { triggers, versions, samples, seconds: training_seconds } = totals;
        Self { triggers, versions, samples, training_seconds }
    }
}

/// The decisions of a shadow, a policy that trains nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowSummary {
    /// How often it would have trained.
    pub decisions: u64,
    /// Where it would have trained last, in order.
    pub last_decisions: Vec<ShadowDecisionLine>,
}

/// The summary of a shadow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowDecisionLine {
    /// Its number: 0, 1, 2, …
    pub number: u64,
    /// The change that caused it.
    pub position: Place,
    /// The version that was active there.
    pub version: Option<u64>,
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// The reason in plain text.
    pub reason: String,
    /// The measured value, where the policy compares one.
    pub score: Option<f64>,
    /// The threshold that the value was compared with.
    pub threshold: Option<f64>,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriggerLine {
    /// Its number: 0, 1, 2, …
    pub id: u64,
    /// The change that caused it.
    pub position: Place,
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// The reason in plain text.
    pub reason: String,
    /// The measured value, where the policy compares one.
    pub score: Option<f64>,
    /// The threshold that the value was compared with.
    pub threshold: Option<f64>,
    /// Samples in the training set.
    pub samples: u64,
    /// The version that was made.
    pub version: Option<u64>,
}

/// A model version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionLine {
    /// Its number: 1, 2, 3, …
    pub version: u64,
    /// The decision that led to it.
    pub trigger: u64,
    /// Samples it was trained on.
    pub samples: u64,
    /// Of these, samples that it trained on, where that was only a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_samples: Option<u64>,
    /// SHA-256 of their ids.
    pub ids_digest: String,
    /// SHA-256 of the weights' file.
    pub sha256: String,
    /// Loss of the training's last epoch, in nats.
    pub loss: Option<f64>,
    /// How long the training took.
    pub training_seconds: f64,
}

impl TriggerLine {
    /// The line of a decision at `position`.
    pub fn of(record: &DecisionRecord, position: Place) -> Self {
        let Reason { policy, text, score, threshold } = record.decision.reason.clone();
        Self {
            id: record.decision.trigger,
            position,
            policy,
            reason: text,
            score,
            threshold,
            samples: record.samples,
            version: record.outcome.as_ref().and_then(|outcome| outcome.version),
        }
    }
}

impl ShadowDecisionLine {
    /// The line of a shadow's decision.
    pub fn of(decision: &ShadowDecision, position: Place) -> Self {
        let Reason { policy, text, score, threshold } = decision.reason.clone();
        let (number, version) = (decision.number, decision.version);
        Self { number, position, version, policy, reason: text, score, threshold }
    }
}

impl From<VersionRecord> for VersionLine {
    fn from(record: VersionRecord) -> Self {
        let VersionRecord { version, trigger, samples, trained_samples, .. } = record;
        Self {
            version,
            trigger,
            samples,
            trained_samples,
            ids_digest: record.ids_digest,
            sha256: record.sha256,
            loss: record.loss,
            training_seconds: record.seconds,
        }
    }
}

impl Summary {
    /// The pipeline's own policies as one of the compared.
    pub fn own(&self) -> BranchSummary {
        BranchSummary {
            triggers: self.triggers.clone(),
            versions: self.versions.clone(),
            totals: self.totals,
            evaluation: self.evaluation.clone(),
        }
    }
}
