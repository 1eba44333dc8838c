//! The answer of a trigger policy to a change.

use serde::{Deserialize, Serialize};

use super::{Firing, Measurement};
use crate::Id;

/// A question of a policy about samples.
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
    /// The requested output.
    pub want: Want,
    /// The samples, in the order in which the answer lists them.
    pub ids: Vec<Id>,
}

/// A policy's answer to a change or to the answer of its question.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing happens.
    Continue,
    /// Train.
    Fire(Firing),
    /// Answer this question first.
    Ask(Question),
    /// The policy measured its samples and did not fire.
    Measured(Measurement),
}
