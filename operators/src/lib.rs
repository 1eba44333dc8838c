//! Policies that decide when to train and on what, as pure dataflow: no Kafka, no Burn, no files, no clock.
//!
//! ```text
//!  changes ─► order ─► upsert ─┬──────────────► decide ─► decisions ─┐
//!  (per worker)   (keyed only) │   (worker 0)     ▲                  │ broadcast
//!                              ├─► select ◄───────│──────────────────┤
//!                              │     └─ proposals ─► combine ─► train ─► outcomes ─┐
//!                              └─► evaluate ◄─────┴──────── feedback ◄─────────────┘
//! ```
//!
//! * The timestamp of every stream is the [`Position`]. A frontier at position p means that every change
//!   before p is known. Policies then see the changes before p.
//! * [`trigger`] decides when to train, [`selection`] decides what to train on, [`drift`] computes
//!   distances, and [`flow`] runs them as timely operators.
//! * Policies are state machines. They ask for data from outside by returning questions. Equal sequences of
//!   changes, answers and outcomes lead to equal decisions.
//!
//! # Late labels: one keyed table, not a join
//!
//! Labels that arrive separately are joined with their samples in the table of the newest sample of each
//! key ([`flow::Upsert`]). `benches/upsert.rs` compares this table with a differential join (samples ⋈
//! newest label of a key, a coarse time for every 10,000 changes, exact positions carried as data). On one
//! worker the join processes 0.36 million changes/s and the table 4.9 million; the join needs 280 bytes a
//! key and the table 49. The join's output is not in order: it would have to be sorted after the coarse
//! time ends, and a change released early would depend on how the times were cut. The table is a function
//! of the ordered changes alone and sees a retraction at its exact position.
//!
//! To add a policy, write one file and add one line to the table in its folder's `mod.rs`. The conformance
//! tests in `tests/laws/catalog.rs` include it without further changes.

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
mod units;

pub use id::Id;
pub use matrix::Matrix;
pub use position::Position;
pub use record::{Change, Kind, Record};
pub use snapshot::{Snapshot, SnapshotError, restore};
pub use span::Span;
pub use units::Units;
