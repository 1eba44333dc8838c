//! The whole application, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calibrate;
mod cli;
mod cluster;
mod cold;
mod damage;
mod decisions;
mod determinism;
mod downsampling;
mod erasure;
mod export;
mod files;
mod full_disk;
mod interrupts;
mod irreducible;
mod kafka;
mod made;
mod memory;
mod others;
mod pipelines;
mod processes;
mod readme;
mod removal;
mod resume;
mod retention;
mod runs;
mod selections;
mod shadows;
mod store;
mod triggers;
