//! Errors of connections between processes.

use thiserror::Error;

use super::link::SILENCE;
use super::{Loss, Reason};

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
