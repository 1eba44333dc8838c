use serde::{Deserialize, Serialize};
use timely::worker::Worker;

use crate::Position;
use crate::trigger::Look;

/// What a policy saw at a change, for those who want to know why it decided or did not.
///
/// A job that was stopped sees again, and equally but for `seconds`, what it saw after its last
/// [`Standing`](super::Standing).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// The change at which it looked.
    pub position: Position,
    /// The decision that it led to, or else the next one.
    pub trigger: u64,
    /// Its number among the looks with that trigger and position: 0, 1, 2, …; no standing is ever
    /// between two of them.
    pub number: u32,
    /// Whether it led to that decision.
    pub decides: bool,
    /// The version that was asked; none where nothing was asked.
    pub version: Option<u64>,
    /// What it saw.
    pub look: Look,
    /// From the first question to the conclusion: told, never used.
    pub seconds: f64,
}

/// Seconds by a worker's own clock, to say how long looks and choices took: policies have none.
pub(super) fn clock(worker: &Worker) -> Box<dyn Fn() -> f64> {
    let begun = worker.timer();
    Box::new(move || begun.map_or(0.0, |begun| begun.elapsed().as_secs_f64()))
}
