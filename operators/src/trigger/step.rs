//! The answer of a trigger policy to a change.

use serde::{Deserialize, Serialize};

use super::{Firing, Measurement};
use crate::Id;

/// The kind of output that a question requests.
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

/// A policy's reaction to a change or to an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing happens.
    Continue,
    /// The policy decides to train.
    Fire(Firing),
    /// The policy needs the answer to this question first.
    Ask(Question),
    /// The policy measured its samples and did not fire.
    Measured(Measurement),
}
