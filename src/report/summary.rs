//! The summary of a run: the JSON object that `driftmill run --json` ends with.

use std::collections::BTreeMap;

use driftmill_operators::flow::{Decision, ShadowDecision};
use driftmill_operators::trigger::Reason;
use serde::Serialize;

use crate::catalog::{BranchTotals, DecisionRecord, Place, TriggerInfo, VersionRecord};
use crate::evaluate::{Classes, Results};
use crate::outage::Outage;

/// Number of last decisions and versions of each policy in a summary, unless all are requested.
pub const SUMMARY_LIMIT: u64 = 1000;

/// The summary of a run: the JSON object at the end of the output of `driftmill run --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The unique name of the run.
    pub run: String,
    /// The state directory of the run.
    pub state: String,
    /// Whether the stream has ended; false after an interruption.
    pub complete: bool,
    /// Number of samples read.
    pub samples: u64,
    /// Number of these that were late and were admitted.
    pub late: u64,
    /// Number of invalid messages.
    pub dead_letters: u64,
    /// Number of current samples of each class, per interval of the evaluation. Replaced and deleted
    /// samples do not count. Each sample counts with its newest label.
    pub classes: Vec<Classes>,
    /// The pipeline's own policies.
    #[serde(flatten)]
    pub own: BranchSummary,
    /// The policies of comparisons.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub compare: BTreeMap<String, BranchSummary>,
    /// Policies that train nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shadow: BTreeMap<String, ShadowSummary>,
    /// The outages since the job was started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Outage>,
    /// Duration of the run.
    pub seconds: f64,
}

/// The evaluations of a composition of policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The prequential results: each sample is scored by the version that was active at its position.
    pub prequential: Results,
}

/// The summary of one composition of policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BranchSummary {
    /// The last decisions, in order.
    pub triggers: Vec<TriggerLine>,
    /// The last model versions, in order.
    pub versions: Vec<VersionRecord>,
    /// Counts of all decisions and versions.
    pub totals: BranchTotals,
    /// The evaluation of the versions.
    pub evaluation: Evaluation,
}

/// The decisions of a shadow, a policy that trains nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowSummary {
    /// Number of decisions.
    pub decisions: u64,
    /// The last decisions, in order.
    pub last_decisions: Vec<ShadowDecisionLine>,
}

/// A decision of a shadow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowDecisionLine {
    /// Its number: 0, 1, 2, …
    pub number: u64,
    /// The position of the change that caused it.
    pub position: Place,
    /// The version that was active at that change.
    pub version: Option<u64>,
    /// Why it fired.
    #[serde(flatten)]
    pub reason: Reason,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriggerLine {
    /// The position and reason of the decision.
    #[serde(flatten)]
    pub trigger: TriggerInfo,
    /// Number of samples in the training set.
    pub samples: u64,
    /// The resulting version.
    pub version: Option<u64>,
}

impl TriggerLine {
    /// Creates the line of a decision at `position`.
    pub fn of(record: DecisionRecord, position: Place) -> Self {
        let Decision { trigger: id, reason, .. } = record.decision;
        Self {
            trigger: TriggerInfo { id, position, reason },
            samples: record.samples,
            version: record.outcome.and_then(|outcome| outcome.version),
        }
    }
}

impl ShadowDecisionLine {
    /// Creates the line of a shadow's decision.
    pub fn of(decision: ShadowDecision, position: Place) -> Self {
        let ShadowDecision { number, version, reason, .. } = decision;
        Self { number, position, version, reason }
    }
}
