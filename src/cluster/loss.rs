//! The loss of a process.

use serde::{Deserialize, Serialize};

/// A process that no longer takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Its number.
    pub process: usize,
    /// The reason.
    pub reason: Reason,
}

/// The reason why a process no longer takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its connection was closed.
    Disconnected,
    /// It sent nothing for too long.
    Silent,
    /// It failed with this message.
    Failed(String),
}
