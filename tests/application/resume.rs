//! A run owns its state directory: a restart resumes it.

use std::path::Path;
use std::process::{Command, Output};

use driftmill::catalog::Catalog;

use crate::wait::OutputInTime;

crate::suite::tests! {
    a_restarted_run_resumes_or_reports_why_not,
    a_run_that_is_resumed_on_another_processor_says_so,
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

fn a_restarted_run_resumes_or_reports_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let length = format!("{LENGTH}=3500");
    let short = ["--set", &*length];
    let first = summary(&run(&state, &short));
    assert_eq!(first["versions"].as_array().unwrap().len(), 3);
    // nothing is left to do, and the earlier results are reported again.
    let again = summary(&run(&state, &[&short[..], &["--workers", "2"]].concat()));
    for key in ["run", "samples", "triggers", "versions", "evaluation", "dead_letters"] {
        assert_eq!(first[key], again[key], "{key}");
    }
    // settings that past decisions depend on may not change.
    let other = run(&state, &[&short[..], &["--set", "training.epochs=7"]].concat());
    let said = String::from_utf8_lossy(&other.stderr);
    assert_eq!(other.status.code(), Some(64));
    assert!(said.contains("`training.epochs`") && said.contains("--fresh"), "{said}");
    // a new run is created next to the old one.
    let fresh = summary(&run(&state, &[&short[..], &["--fresh"]].concat()));
    assert_ne!(first["run"], fresh["run"]);
    assert!(fresh["state"].as_str().unwrap().ends_with("/state.2"));
    let shas = |summary: &serde_json::Value| {
        let versions = summary["versions"].as_array().unwrap().clone();
        versions.iter().map(|version| version["sha256"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(shas(&first), shas(&fresh));
}

fn a_run_that_is_resumed_on_another_processor_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let part = format!("{LENGTH}=2500");
    let first = run(&state, &["--set", &part]);
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(first.status.success() && !said(&first).contains("processor"), "{}", said(&first));
    let catalog = || Catalog::open(&state.join("catalog.sqlite")).unwrap();
    let here = catalog().run().unwrap();
    assert_eq!(here.arithmetic.as_ref(), Some(&driftmill::train::arithmetic()));
    catalog().set_started(&here.current, "sparc64, 128-bit").unwrap();
    let resumed = run(&state, &["--set", &part]);
    assert!(said(&resumed).contains("last started on a processor with sparc64, 128-bit"));
    assert_eq!(summary(&first)["versions"], summary(&resumed)["versions"]);
    assert_eq!(catalog().run().unwrap().arithmetic, here.arithmetic);
}
