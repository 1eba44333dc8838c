//! Tests of the whole application, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/acls.rs"]
mod acls;
#[path = "../support/broker.rs"]
mod broker;
mod calibrate;
#[path = "../support/certificates.rs"]
mod certificates;
mod changing_files;
mod cli;
#[path = "../support/cluster.rs"]
mod cluster;
mod damage;
#[path = "../support/data.rs"]
mod data;
mod decisions;
mod determinism;
mod downsampling;
mod erasure;
mod export;
mod files;
mod formats;
mod full_disk;
mod guide;
mod hanging;
mod interrupts;
mod irreducible;
mod kafka;
mod keys;
mod limits;
mod memory;
mod needs;
#[cfg(feature = "s3")]
#[path = "../support/object_store.rs"]
mod object_store;
mod pipelines;
mod predecessors;
mod processes;
#[path = "../support/program.rs"]
mod program;
mod removal;
#[path = "../support/results.rs"]
mod results;
mod resume;
mod retention;
#[cfg(feature = "s3")]
mod s3;
mod selections;
#[path = "../support/server.rs"]
mod server;
mod shadows;
#[path = "../support/small_job.rs"]
mod small_job;
mod store;
#[path = "../support/suite.rs"]
mod suite;
mod tier;
#[path = "../support/topics.rs"]
mod topics;
mod triggers;
#[path = "../support/wait.rs"]
mod wait;

use std::process::ExitCode;

/// Files of tests that need no broker.
const FILES: &[&[suite::Test]] = &[
    calibrate::TESTS,
    cli::TESTS,
    tier::TESTS,
    damage::TESTS,
    decisions::TESTS,
    determinism::TESTS,
    downsampling::TESTS,
    erasure::TESTS,
    export::TESTS,
    changing_files::TESTS,
    files::TESTS,
    formats::TESTS,
    hanging::TESTS,
    full_disk::TESTS,
    guide::TESTS,
    interrupts::TESTS,
    irreducible::TESTS,
    limits::TESTS,
    memory::TESTS,
    predecessors::TESTS,
    pipelines::TESTS,
    processes::TESTS,
    removal::TESTS,
    resume::TESTS,
    retention::TESTS,
    #[cfg(feature = "s3")]
    s3::TESTS,
    selections::TESTS,
    shadows::TESTS,
    store::TESTS,
    triggers::TESTS,
];

fn main() -> ExitCode {
    suite::run(&[FILES, kafka::FILES].concat())
}
