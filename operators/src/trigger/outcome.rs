//! The outcome of a training.

use serde::{Deserialize, Serialize};

use crate::{Id, Position};

/// The outcome of the training that a decision led to.
///
/// ```
/// use driftmill_operators::{Position, trigger::Outcome};
/// let outcome = Outcome { samples: 100, ..Outcome::trained(0, 1, Position::MIN) };
/// assert_eq!((outcome.version, outcome.seconds), (Some(1), 0.0));
/// assert_eq!(Outcome::failed(0, Position::MIN).version, None);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Number of the decision: 0, 1, 2, …
    pub trigger: u64,
    /// The new version; none if the training set was empty or the training failed.
    pub version: Option<u64>,
    /// The first position at which the version is active.
    pub effective: Position,
    /// Number of samples in the training set.
    pub samples: u64,
    /// Recorded duration of the training.
    pub seconds: f64,
    /// The samples of the training set in any order, if the policy needs them
    /// ([`OnDelete`](super::OnDelete)).
    pub ids: Vec<Id>,
}

impl Outcome {
    /// Creates the outcome of a training that produced `version`, active from `effective` on. Samples and
    /// duration are 0.
    pub fn trained(trigger: u64, version: u64, effective: Position) -> Self {
        Self { version: Some(version), ..Self::failed(trigger, effective) }
    }

    /// Creates the outcome of a training that produced no version. Samples and duration are 0.
    pub fn failed(trigger: u64, effective: Position) -> Self {
        Self { trigger, version: None, effective, samples: 0, seconds: 0.0, ids: Vec::new() }
    }
}
