//! Decisions to train, with their places in the order.

use serde::{Deserialize, Serialize};

use super::{Cut, Reason};
use crate::Position;

/// A decision to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its number: 0, 1, 2, …
    pub trigger: u64,
    /// The position of the change that caused it.
    pub position: Position,
    /// Whether it covers that change.
    pub cut: Cut,
    /// Number of earlier decisions that the same change caused. A job resumes from this number and
    /// `position`.
    pub decisions_before: u32,
    /// The reason why the policy fired.
    pub reason: Reason,
}

impl Decision {
    /// The first position that the decision does not cover. The resulting model takes effect here.
    pub fn end(&self) -> Position {
        match self.cut {
            Cut::Before => self.position,
            Cut::After => self.position.next(),
        }
    }
}
