//! Retention removes no data that decisions depend on, and no records about the past.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::program::{Program, decided, pipeline, run_to_end};
use crate::wait::OutputInTime;

crate::suite::tests! {
    a_run_with_retention_decides_as_one_without,
    gc_removes_old_data_of_a_stopped_run_once,
    a_run_killed_during_removal_resumes,
    samples_that_a_policy_retains_are_kept,
}

/// A segment holds about 1600 samples. The drift windows reach back over several segments.
pub(crate) const PIPELINE: &str = "
    name = \"retention\"
    source.generator = { stream.sea = { length = 24000 }, partitions = 2 }
    selection.new_data = { limit = 500, tail = 1 }
    model.mlp = { hidden = [4] }
    training = { epochs = 1 }
    store.segment.size = \"64KiB\"
    compare.often.trigger.amount.every = 700
    [trigger.drift]
    every = 500
    warmup = 2000
    on = \"features\"
    windows.amount = { reference = 3000, current = 500 }
    metrics.ks = { threshold = 0.01 }
    [sink.directory]
    path = \"SINK\"
    ";

const RETENTION: &str = "[retention]
    log.samples = 4000
    versions = { keep = 2 }";

pub(crate) fn text(folder: &Path, retention: &str) -> String {
    let sink = folder.join("sink");
    PIPELINE.replace("SINK", sink.to_str().unwrap()) + retention
}

pub(crate) fn driftmill(arguments: &[&str], state: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    command.arg(arguments[0]).arg(state).args(&arguments[1..]).output_in_time()
}

/// The program's answer. The program must succeed.
pub(crate) fn asked(arguments: &[&str], state: &Path) -> Value {
    let output = driftmill(arguments, state);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn count(folder: &Path, extension: &str) -> usize {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|found| found == extension)).count()
}

/// The number of versions of a branch whose weights exist.
fn weights(models: &Path) -> usize {
    let versions = fs::read_dir(models).unwrap().map(|version| version.unwrap().path());
    versions.filter(|version| version.join("model.safetensors").exists()).count()
}

/// Runs the program to its end in a separate folder, with or without retention.
fn run(retention: &str, environment: &[(&str, &str)]) -> crate::program::Ran {
    let folder = tempfile::tempdir().unwrap();
    let text = text(folder.path(), retention);
    Program::start_at(folder, &text, &["--poll", "200"], environment).end()
}

pub(crate) fn same(a: &Value, b: &Value) {
    for key in ["samples", "late", "dead_letters", "triggers", "evaluation"] {
        assert_eq!(a[key], b[key], "{key}");
    }
    let digests = |summary: &Value| {
        let versions = summary["versions"].as_array().unwrap().clone();
        versions.iter().map(|version| version["sha256"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(digests(a), digests(b));
    assert_eq!(a["compare"]["often"]["triggers"], b["compare"]["often"]["triggers"]);
    assert_eq!(digests(&a["compare"]["often"]), digests(&b["compare"]["often"]));
}

fn a_run_with_retention_decides_as_one_without() {
    let kept = run("", &[]);
    kept.assert_done();
    let state = kept.folder.path().join("state");
    let versions = kept.summary["versions"].as_array().unwrap().len();
    assert!(versions > 4 && count(&state.join("log"), "arrows") > 12, "{}", kept.summary);
    assert_eq!(weights(&state.join("models")), versions);

    let removed = run(RETENTION, &[]);
    removed.assert_done();
    same(&kept.summary, &removed.summary);
    let state = removed.folder.path().join("state");
    let left = count(&state.join("log"), "arrows");
    assert!(left < 8 && count(&state.join("log"), "index") == left, "{left} segments");
    assert!(weights(&state.join("models")) < 5 && weights(&state.join("compare/often")) < 5);
    assert_eq!(asked(&["verify", "--json"], &state)["problems"], serde_json::json!([]));

    // a restart reports the same and removes nothing more.
    let text = fs::read_to_string(removed.folder.path().join("p.toml")).unwrap();
    let again = Program::start_at(removed.folder, &text, &["--poll", "200"], &[]).end();
    again.assert_done();
    same(&kept.summary, &again.summary);
    assert_eq!(count(&state.join("log"), "arrows"), left);
    the_past_is_known(&kept.folder.path().join("state"), &state);
}

/// Compares the answers of a run that removed samples with those of a run that did not.
fn the_past_is_known(kept: &Path, removed: &Path) {
    let sample = ["lineage", "--sample", "sea/0/990", "--json"];
    let [was, is] = [kept, removed].map(|state| asked(&sample, state));
    assert!(!was["versions"].as_array().unwrap().is_empty(), "{was}");
    let seen = |answer: &Value| -> Vec<[Value; 3]> {
        let versions = answer["versions"].as_array().unwrap().iter();
        let keys = ["policy", "version", "trigger"];
        versions.map(|version| keys.map(|key| version[key].clone())).collect()
    };
    assert_eq!(seen(&was), seen(&is));
    assert_eq!((&was["rows"][0]["expired"], &was["retracted"]), (&false.into(), &false.into()));
    assert_eq!(
        (&is["rows"][0]["expired"], &is["rows"][0]["status"]),
        (&true.into(), &"expired".into())
    );
    let message = driftmill(&["lineage", "--sample", "sea/0/990"], removed);
    assert!(
        String::from_utf8_lossy(&message.stdout).contains("expired, bytes removed"),
        "{message:?}"
    );

    let version = ["lineage", "--version", "1", "--json"];
    let [was, is] = [kept, removed].map(|state| asked(&version, state));
    assert_eq!((&was["samples"], &was["partitions"]), (&is["samples"], &is["partitions"]));
    assert_eq!((&was["removed"], &is["removed"]), (&0.into(), &is["samples"]));

    let file = removed.join("set.parquet");
    let exported = driftmill(&["export", file.to_str().unwrap(), "--trigger", "0"], removed);
    assert!(exported.status.success(), "{exported:?}");
    let said = String::from_utf8_lossy(&exported.stderr);
    assert!(
        said.contains("the features of 500 samples of the training set are no longer in the log"),
        "{said}"
    );
    assert!(String::from_utf8_lossy(&exported.stdout).starts_with("0 samples"), "{exported:?}");
}

fn gc_removes_old_data_of_a_stopped_run_once() {
    let kept = run("", &[]);
    let state = kept.folder.path().join("state");
    let whole = asked(&["gc", "--json"], &state);
    assert_eq!(whole["freed"]["files"], 0, "nothing is to be retained: {whole}");
    // retention may change: the run is started again, killed before its end, and inspected.
    let text = text(kept.folder.path(), RETENTION);
    let killed =
        Program::start_at(kept.folder, &text, &[], &[("DRIFTMILL_ABORT", "retention.recorded:1")]);
    let killed = killed.end();
    assert_eq!(killed.code, None, "{}", killed.said);
    let before = (count(&state.join("log"), "arrows"), weights(&state.join("models")));
    assert!(before.0 > 12, "its files were removed before it was killed");

    let would = asked(&["gc", "--dry-run", "--json"], &state);
    assert_eq!((count(&state.join("log"), "arrows"), weights(&state.join("models"))), before);
    let freed = asked(&["gc", "--json"], &state);
    assert_eq!(would["freed"], freed["freed"]);
    let after = (count(&state.join("log"), "arrows"), weights(&state.join("models")));
    assert!(after.0 < 8 && after.1 < before.1, "{after:?}");
    let again = asked(&["gc", "--json"], &state);
    let none = serde_json::json!({ "files": 0, "bytes": 0, "samples": 0, "versions": 0 });
    assert_eq!(again["freed"], none);
    assert_eq!(asked(&["verify", "--json"], &state)["problems"], serde_json::json!([]));

    let rest = Program::start_at(killed.folder, &text, &[], &[]).end();
    rest.assert_done();
    same(&kept.summary, &rest.summary);
}

fn a_run_killed_during_removal_resumes() {
    let wanted = run("", &[]).summary;
    let mut killed = 0;
    for place in ["retention.recorded:1", "retention.removed:1", "retention.recorded:2"] {
        let first = run(RETENTION, &[("DRIFTMILL_ABORT", place)]);
        killed += u64::from(first.code.is_none());
        let text = fs::read_to_string(first.folder.path().join("p.toml")).unwrap();
        let state = first.folder.path().join("state");
        assert_eq!(
            asked(&["verify", "--json"], &state)["problems"],
            serde_json::json!([]),
            "{place}"
        );
        let rest = Program::start_at(first.folder, &text, &["--workers", "2"], &[]).end();
        rest.assert_done();
        same(&wanted, &rest.summary);
        assert!(count(&state.join("log"), "arrows") < 10, "{place}");
        assert!(weights(&state.join("models")) < 5, "{place}");
    }
    assert!(killed >= 2, "{killed} were killed");
}

fn samples_that_a_policy_retains_are_kept() {
    let all = PIPELINE.replace(
        "{ limit = 500, tail = 1 }",
        "{ tail = \"all\", limit = 500, keep = \"uniform\" }",
    );
    // two runs that publish under one name need two destinations.
    let folder = tempfile::tempdir().unwrap();
    let text = |sink: &str| all.replace("SINK", folder.path().join(sink).to_str().unwrap());
    let (kept, _folder) = run_to_end(&pipeline(&text("kept")), 1, 200);
    let (reached, run) = run_to_end(&pipeline(&(text("reached") + RETENTION)), 2, 200);
    assert_eq!(decided(&kept), decided(&reached));
    let state = run.path().join("state");
    assert!(count(&state.join("log"), "arrows") > 12);
    let gc = asked(&["gc", "--json"], &state);
    let reasons = gc["segments"].as_array().unwrap().iter();
    let reasons: Vec<&str> = reasons.map(|old| old["kept"].as_str().unwrap()).collect();
    assert!(reasons[0].starts_with("policies can reach ") && reasons.len() > 8, "{reasons:?}");
}
