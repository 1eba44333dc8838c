//! A run owns its state directory: started again it goes on.

use crate::wait::OutputInTime;
use std::path::Path;
use std::process::{Command, Output};

crate::suite::tests! {
    a_run_that_is_started_again_goes_on_or_says_why_not,
}

const LENGTH: &str = "source.generator.stream.sea.length";

fn run(state: &Path, extra: &[&str]) -> Output {
    let mut run = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    run.args(["run", "pipelines/every-1000.toml", "--json", "--state"]).arg(state).args(extra);
    run.output_in_time()
}

fn summary(output: &Output) -> serde_json::Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn a_run_that_is_started_again_goes_on_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let length = format!("{LENGTH}=3500");
    let short = ["--set", &*length];
    let first = summary(&run(&state, &short));
    assert_eq!(first["versions"].as_array().unwrap().len(), 3);
    // nothing is left to do, and what was done is told again.
    let again = summary(&run(&state, &[&short[..], &["--workers", "2"]].concat()));
    for told in ["run", "samples", "triggers", "versions", "evaluation", "dead_letters"] {
        assert_eq!(first[told], again[told], "{told}");
    }
    // what past decisions depend on may not change.
    let other = run(&state, &[&short[..], &["--set", "training.epochs=7"]].concat());
    let said = String::from_utf8_lossy(&other.stderr);
    assert_eq!(other.status.code(), Some(64));
    assert!(said.contains("`training.epochs`") && said.contains("--fresh"), "{said}");
    // a new run stands beside the old one.
    let fresh = summary(&run(&state, &[&short[..], &["--fresh"]].concat()));
    assert_ne!(first["run"], fresh["run"]);
    assert!(fresh["state"].as_str().unwrap().ends_with("/state.2"));
    let shas = |summary: &serde_json::Value| {
        let versions = summary["versions"].as_array().unwrap().clone();
        versions.iter().map(|version| version["sha256"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(shas(&first), shas(&fresh));
}
