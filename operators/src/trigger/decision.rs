use serde::{Deserialize, Serialize};

use super::Look;
use crate::{Id, Position};

/// Which changes a decision covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// All before the change that caused it.
    Before,
    /// All up to and including the change that caused it.
    After,
}

/// Why a policy decided to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// One line for people: `1000 samples`.
    pub text: String,
    /// The measured value, where the policy compares one.
    pub score: Option<f64>,
    /// What the value was compared with.
    pub threshold: Option<f64>,
}

impl Reason {
    /// A reason without a score.
    pub fn plain(policy: &str, text: impl Into<String>) -> Self {
        Self { policy: policy.to_owned(), text: text.into(), score: None, threshold: None }
    }
}

/// A decision to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Which changes it covers.
    pub cut: Cut,
    /// Why.
    pub reason: Reason,
    /// What the policy saw, where it looked at samples.
    pub look: Option<Look>,
}

impl Decision {
    /// A decision without a look.
    pub fn plain(cut: Cut, reason: Reason) -> Self {
        Self { cut, reason, look: None }
    }
}

/// What a policy asks to know of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// Raw feature values.
    Features,
    /// Activations of the newest model's last hidden layer.
    Embeddings,
    /// The newest model's class probabilities.
    Predictions,
}

/// A question about samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What is asked.
    pub want: Want,
    /// Of which samples, in which order.
    pub ids: Vec<Id>,
}

/// What a policy says after a change or an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    Continue,
    /// Train.
    Decide(Decision),
    /// Answer this first.
    Ask(Question),
    /// It looked at its samples and found nothing.
    Looked(Look),
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which decision: 0, 1, 2, …
    pub trigger: u64,
    /// The version that was made; none where the training set was empty or the training failed.
    pub version: Option<u64>,
    /// The first position at which the version is active.
    pub effective: Position,
    /// Samples in the training set.
    pub samples: u64,
    /// What the training took, as recorded.
    pub seconds: f64,
    /// Those samples, in any order, where a policy has to know them ([`Forget`](super::Forget)).
    pub ids: Vec<Id>,
}
