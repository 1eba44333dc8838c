//! A job: source → order → trigger → selection → training → publishing, as one dataflow.
//!
//! ```text
//!  ingest (a reader, a log writer and the rules of order, per worker)
//!     └─► order ─► upsert (keyed sources) ─┬─► branch: the pipeline's own policies
//!                       │                  ├─► branch: each policy it is compared with
//!                       │                  └─► shadow: each policy that trains nothing
//!                       └─► unmatched labels: labels without a sample
//!  branch:  decide ─► select ─► train ─► outcomes ─► evaluate
//!             ▲                            │
//!             └────────── feedback ────────┤
//!  shadow of the pipeline's own branch:  ◄─┘
//! ```
//!
//! Operators send commands to the `coordinator`, the one thread of process 0 that records them. They send
//! slow tasks to `services`: the trainer trains, the model queries answer policies, and the scorer scores
//! samples. All three use the model runtime of the branch.
//!
//! If several processes run a job, process 0 decides and trains. The others, its followers, read, score,
//! and handle requests of the coordinator.

mod branch;
mod context;
mod coordinator;
mod dataflow;
mod error;
mod ingest;
mod maintenance;
mod publish;
mod run;
mod services;

pub use branch::history::BranchHistory;
pub use branch::shadow::Shadow;
pub use branch::state::Branch;
pub use context::Context;
pub use coordinator::follower::follow;
pub use error::JobError;
pub use maintenance::tiering::{CatalogAccess, Upload, remove_expired_objects};
pub use publish::predecessors::{Digests, Known, Occupied, Others, decide};
pub use publish::publisher::{Listener, Outlet, Publisher};
pub use run::end::End;
pub use run::interrupt::Interrupt;
pub use run::lifecycle::{Ended, run};
pub use run::no_samples::NoSamples;
pub use run::options::Options;
pub use run::state_directory::{StateDirectory, StateError};
