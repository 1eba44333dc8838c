//! The answers for which a trigger policy waits.

use timely::dataflow::operators::Capability;

use crate::Position;
use crate::trigger::{Decision, Measurement, Phase};

/// The event that the policy waits for.
#[derive(PartialEq)]
pub(super) enum Waiting {
    Nothing,
    /// The answer to a question.
    Answer(Asked),
    /// The outcome of the last decision.
    Outcome,
}

/// The origin of a question, or of a step without a question.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Asked {
    /// The change that caused it.
    pub(super) position: Position,
    /// Number of earlier decisions caused by that change.
    pub(super) decisions_before: u32,
    /// The version that answers.
    pub(super) version: Option<u64>,
    /// The time at which the question was sent, by the clock of the host.
    pub(super) since: f64,
}

/// A decision that a policy has made.
pub(super) struct FiredDecision {
    pub(super) capability: Capability<Position>,
    pub(super) decision: Decision,
    pub(super) measurement: Option<Measurement>,
    pub(super) phase: Phase,
}
