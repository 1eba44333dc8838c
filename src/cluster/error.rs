//! Errors of connections between processes, and why a process is missed.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::link::SILENCE;

/// A process that does no longer take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Its number.
    pub process: usize,
    /// Why.
    pub reason: Reason,
}

/// Why a process does no longer take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its connection was closed.
    Gone,
    /// Nothing was heard of it for too long.
    Silent,
    /// It said what went wrong.
    Failed(String),
}

/// Why processes cannot run a job together.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// The own address cannot be had.
    #[error(
        "listening at `{address}`\n\
         hint: --hosts names each process's own address in the line of its number"
    )]
    Listen {
        /// The address.
        address: String,
        /// The reason that the system gives.
        source: std::io::Error,
    },
    /// Process 0 does not want this one.
    #[error("{name} refuses this one: {reason}")]
    Refused {
        /// Process 0.
        name: String,
        /// Why.
        reason: String,
    },
    /// A process was lost.
    #[error(
        "{name} {}\nhint: start all processes again: the run goes on where it was",
        told(&loss.reason)
    )]
    Lost {
        /// Which one.
        name: String,
        /// And why.
        loss: Loss,
    },
    /// The system refused a connection or a thread.
    #[error("connecting with {name}")]
    Io {
        /// With whom.
        name: String,
        /// The reason that the system gives.
        source: std::io::Error,
    },
}

fn told(reason: &Reason) -> String {
    match reason {
        Reason::Gone => "is gone".to_owned(),
        Reason::Silent => format!("said nothing for {} seconds", SILENCE.as_secs()),
        Reason::Failed(error) => format!("failed: {error}"),
    }
}

impl ClusterError {
    pub(super) fn io(name: String) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { name, source }
    }
}
