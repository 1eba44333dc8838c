//! The whole application, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod damage;
mod determinism;
mod erasure;
mod export;
mod files;
mod interrupts;
mod kafka;
mod memory;
mod others;
mod pipelines;
mod readme;
mod removal;
mod resume;
mod retention;
mod runs;
mod store;
