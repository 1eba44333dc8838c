//! Several processes that run one job together: how they find each other, exchange messages outside the
//! dataflow, and detect lost processes.
//!
//! ```text
//!  process 1 ─┐  a link: facts, requests and answers, signs of life
//!  process 2 ─┴─────────────► process 0
//!      ▲  │
//!      │  └── between any two: a wire for the dataflow
//!      ▼
//!  process 1
//! ```
//!
//! Each process listens at its own address. The others join process 0, which rejects processes that do not
//! belong to the job. With its answer they connect to each other. Connections are neither encrypted nor
//! authenticated, so the addresses must be in a network of their own.

mod error;
mod frame;
mod link;
mod loss;
mod rendezvous;
mod wire;

pub use error::ClusterError;
pub use link::Link;
pub use loss::{Loss, Reason};
pub use rendezvous::{Gathered, Joined, Rendezvous};
pub use wire::{Wires, workers};

/// The processes of a job, and the number of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// `host:port` of each process.
    pub addresses: Vec<String>,
    /// The number of this process.
    pub process: usize,
}

impl Default for Cluster {
    fn default() -> Self {
        Self { addresses: vec![String::new()], process: 0 }
    }
}

impl Cluster {
    /// The number of processes.
    pub fn size(&self) -> usize {
        self.addresses.len()
    }

    /// Whether this process is the only one.
    pub fn is_single(&self) -> bool {
        self.size() == 1
    }

    /// The name of a process for people.
    pub fn name(&self, process: usize) -> String {
        let address = self.addresses.get(process).map_or("", String::as_str);
        format!("process {process} ({address})")
    }

    /// The error of this process when another is lost.
    pub fn lost(&self, loss: Loss) -> ClusterError {
        ClusterError::Lost { name: self.name(loss.process), loss }
    }
}
