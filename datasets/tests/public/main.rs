//! Tests with public data sets, which are not part of the repository.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

#[path = "../../../tests/support/data.rs"]
mod data;
mod digits;
mod electricity;
#[path = "../catalog/generators.rs"]
mod generators;
#[path = "../../../tests/support/suite.rs"]
mod suite;

use std::process::ExitCode;

fn main() -> ExitCode {
    suite::run(&[digits::TESTS, electricity::TESTS])
}
