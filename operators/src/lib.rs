//! When to train and on what, as pure dataflow: no Kafka, no Burn, no files, no clock.
//!
//! ```text
//!  changes ─► order ─► upsert ─┬──────────────► decide ─► decisions ─┐
//!  (per worker)   (keyed only) │   (worker 0)     ▲                  │ broadcast
//!                              ├─► select ◄───────│──────────────────┤
//!                              │     └─ proposals ─► combine ─► train ─► outcomes ─┐
//!                              └─► evaluate ◄─────┴──────── feedback ◄─────────────┘
//! ```
//!
//! * The timestamp of every stream is the [`Position`]. A frontier at position p means: every
//!   change before p is known, so what is before p is complete and can be shown to policies.
//! * [`trigger`] decides when to train, [`selection`] what to train on, [`drift`] is the mathematics
//!   of distances, [`flow`] hosts them as timely operators.
//! * Policies are state machines: what they need from outside they ask for as data, and equal
//!   sequences of changes, answers and outcomes give equal decisions.
//!
//! # Late labels: one keyed table, not a join
//!
//! Labels that come by themselves are joined with their samples in the table that keeps the newest
//! sample of each key ([`flow::Upsert`]). A differential join (samples ⋈ newest label of a key, a
//! coarse time for every 10,000 changes, exact positions carried as data) was built and measured
//! beside it, in `benches/upsert.rs`, on one worker: 0.36 million changes/s against 4.9 million,
//! and 280 bytes a key against 49. What it yields is not in order yet, and would have to wait for
//! the coarse time to end and be sorted; a change released early would depend on where the times
//! were cut. The table is a function of the ordered changes alone, and knows of a retraction at
//! its exact position.
//!
//! To add a policy, write one file and add one line to the table in its folder's `mod.rs`; the
//! conformance tests in `tests/catalog.rs` pick it up.

pub mod calibration;
pub mod criterion;
#[cfg(feature = "downsampling")]
pub mod downsampling;
pub mod drift;
#[cfg(feature = "flow")]
pub mod flow;
pub mod prelude;
pub mod selection;
pub mod trigger;

mod defaults;
mod fair_share;
mod id;
mod matrix;
mod named;
mod position;
mod record;
mod snapshot;
mod span;

pub use id::Id;
pub use matrix::Matrix;
pub use position::Position;
pub use record::{Change, Kind, Record};
pub use snapshot::{Snapshot, SnapshotError, restore};
pub use span::Span;
