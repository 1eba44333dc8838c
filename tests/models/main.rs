//! Tests of the models and the runtime that trains them, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod downsampling;
#[cfg(feature = "wgpu")]
mod gpu;
mod output_cache;
mod portraits;
mod python;
#[path = "../support/suite.rs"]
mod suite;
#[path = "../support/toy.rs"]
mod toy;
mod training;

use std::process::ExitCode;

fn main() -> ExitCode {
    suite::run(&[
        output_cache::TESTS,
        downsampling::TESTS,
        #[cfg(feature = "wgpu")]
        gpu::TESTS,
        portraits::TESTS,
        python::TESTS,
        training::TESTS,
    ])
}
