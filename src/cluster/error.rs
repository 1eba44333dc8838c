//! Errors of connections between processes, and reasons for the loss of a process.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::link::SILENCE;

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

/// The error if processes cannot run a job together.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// This process cannot listen at its own address.
    #[error(
        "listening at `{address}`\n\
         hint: --hosts names each process's own address in the line of its number"
    )]
    Listen {
        /// The address.
        address: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Process 0 rejected this process.
    #[error("{name} rejected this process: {reason}")]
    Refused {
        /// Process 0.
        name: String,
        /// The reason.
        reason: String,
    },
    /// A process was lost.
    #[error(
        "{name} {}\nhint: start all processes again: the run resumes where it was",
        described(&loss.reason)
    )]
    Lost {
        /// The name of the process.
        name: String,
        /// The reason.
        loss: Loss,
    },
    /// A connection or a thread could not be created.
    #[error("connecting with {name}")]
    Io {
        /// The name of the peer.
        name: String,
        /// The error of the system.
        source: std::io::Error,
    },
}

fn described(reason: &Reason) -> String {
    match reason {
        Reason::Disconnected => "is no longer connected".to_owned(),
        Reason::Silent => format!("sent nothing for {} seconds", SILENCE.as_secs()),
        Reason::Failed(error) => format!("failed: {error}"),
    }
}

impl ClusterError {
    pub(super) fn io(name: String) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { name, source }
    }
}
