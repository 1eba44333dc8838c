//! The verdict of a trigger policy that fires.

use serde::{Deserialize, Serialize};

use super::Measurement;

/// The changes that a training covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// All changes before the one that caused the decision.
    Before,
    /// All changes up to and including the one that caused the decision.
    After,
}

/// The reason why a policy fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// One line for people: `1000 samples`.
    #[serde(rename = "reason")]
    pub text: String,
    /// The measured value, if the policy compares one.
    pub score: Option<f64>,
    /// The value that the score was compared with.
    pub threshold: Option<f64>,
}

impl Reason {
    /// Creates a reason without a score.
    pub fn plain(policy: &str, text: impl Into<String>) -> Self {
        Self { policy: policy.to_owned(), text: text.into(), score: None, threshold: None }
    }
}

/// The phase of a policy in which it fires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The regular phase: the policy has a model.
    #[default]
    Regular,
    /// The warm-up, in which nothing is measured.
    WarmUp,
    /// A warm-up that continues only because the last training produced no version. A shadow that fires in
    /// this phase has fired before.
    ContinuedWarmUp,
}

/// A policy's verdict to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// The changes that the training covers.
    pub cut: Cut,
    /// The reason why the policy fired.
    pub reason: Reason,
    /// The measurement of the policy, if it measured samples.
    pub measurement: Option<Measurement>,
    /// The policy's phase.
    pub phase: Phase,
}

impl Firing {
    /// Creates a firing without a measurement.
    pub fn plain(cut: Cut, reason: Reason) -> Self {
        Self { cut, reason, measurement: None, phase: Phase::Regular }
    }

    /// Creates a firing after a measurement. It covers the change that caused it.
    pub fn measured(reason: Reason, measurement: Measurement) -> Self {
        Self { measurement: Some(measurement), ..Self::plain(Cut::After, reason) }
    }
}
