//! Policies that train nothing: their decisions are reported and change nothing.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::program::{Program, decided_of, run_program};
use crate::small_job::{sea_job, small_job};

crate::suite::tests! {
    a_shadow_fires_where_the_same_trigger_trains,
    an_added_shadow_starts_at_the_position_of_the_run_and_resumes,
    a_shadow_cannot_measure_trainings,
}

/// A pipeline that trains after every 700 samples, with these shadows.
fn job(shadows: &str) -> String {
    sea_job("watched", &format!("trigger.amount.every = 700\n{shadows}"))
}

fn a_shadow_fires_where_the_same_trigger_trains() {
    let shadows = r#"
shadow.same.trigger.amount.every = 700
shadow.errors.trigger.sequential = { on = "error", every = 50, detector.ddm = {} }
"#;
    let plain = run_program(&job(""));
    let watched = run_program(&job(shadows));
    plain.assert_done();
    watched.assert_done();
    let positions = |lines: &Value| {
        let lines = lines.as_array().unwrap().iter();
        lines.map(|line| line["position"].clone()).collect::<Vec<_>>()
    };
    let shadow = &watched.summary["shadow"];
    assert_eq!(
        positions(&shadow["same"]["last_decisions"]),
        positions(&watched.summary["triggers"])
    );
    // each asks the version that is active at the change where it fires.
    let fired = shadow["same"]["last_decisions"].as_array().unwrap();
    let versions: Vec<_> = fired.iter().map(|fired| fired["version"].clone()).collect();
    assert_eq!(versions, [json!(null), json!(1), json!(2), json!(3), json!(4)]);
    assert!(!shadow["errors"]["last_decisions"].as_array().unwrap().is_empty(), "{shadow}");
    // the pipeline's own policies decide as before.
    let mut without = decided_of(watched.summary.clone());
    without.as_object_mut().unwrap().remove("shadow");
    assert_eq!(without, decided_of(plain.summary.clone()));
}

fn samples(file: &Path, from: u32, to: u32) {
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    let rows = from..to;
    if from == 0 {
        writeln!(file, "at,a,c").unwrap();
    }
    rows.for_each(|i| writeln!(file, "{i},{},{}", i * 7 % 13, i % 2).unwrap());
}

fn an_added_shadow_starts_at_the_position_of_the_run_and_resumes() {
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("samples.csv");
    let with = |shadows: &str| {
        small_job(&format!(
            "name = \"grows\"
            source.file = {{ path = {path:?}, features = [\"a\"], label = \"c\", time = \"at\" }}
            trigger.amount.every = 100
            {shadows}"
        ))
    };
    let fired = |summary: &Value, name: &str| {
        let lines = summary["shadow"][name]["last_decisions"].as_array().unwrap().clone();
        lines.iter().map(|line| line["position"]["offset"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    samples(&path, 0, 250);
    let first = Program::start(&with("shadow.a.trigger.amount.every = 60\n")).end();
    first.assert_done();
    assert_eq!(fired(&first.summary, "a"), [59, 119, 179, 239]);
    samples(&path, 250, 500);
    let both = "shadow.a.trigger.amount.every = 60\nshadow.b.trigger.amount.every = 50\n";
    let second = Program::start_at(first.folder, &with(both), &[], &[]).end();
    second.assert_done();
    assert_eq!(fired(&second.summary, "a"), [59, 119, 179, 239, 299, 359, 419, 479]);
    // the checkpoint of the run's own policy is at its last decision or later.
    let later = fired(&second.summary, "b");
    assert!(later[0] >= 249 && later.windows(2).all(|two| two[1] - two[0] == 50), "{later:?}");
    // a shadow can be removed and added again, but it cannot change while it exists.
    let b = |every: u64| with(&format!("shadow.b.trigger.amount.every = {every}\n"));
    let third = Program::start_at(second.folder, &b(50), &[], &[]).end();
    third.assert_done();
    assert_eq!(fired(&third.summary, "b"), later);
    let other = Program::start_at(third.folder, &b(51), &[], &[]).end();
    assert_eq!(other.code, Some(64), "{}", other.said);
    assert!(other.said.contains("`shadow.b.trigger.amount.every`"), "{}", other.said);
    let none = Program::start_at(other.folder, &with(""), &[], &[]).end();
    none.assert_done();
    samples(&path, 500, 650);
    let last = Program::start_at(none.folder, &b(51), &[], &[]).end();
    last.assert_done();
    let all = fired(&last.summary, "b");
    assert!(all.starts_with(&later) && all.len() > later.len(), "{all:?}");
}

fn a_shadow_cannot_measure_trainings() {
    let shadow = "shadow.cost.trigger.data_incorporation_cost = { every = 10, conversion = 1 }";
    let message = driftmill::config::load("p.toml", &job(shadow), &[]).unwrap_err();
    let said = message.to_string();
    assert!(said.contains("training.declared") && said.contains("has no trainings"), "{said}");
    let nested = "shadow.votes.trigger.ensemble.members.c.data_incorporation_cost = { every = 10, \
                  conversion = 1 }";
    let message = driftmill::config::load("p.toml", &job(nested), &[]).unwrap_err();
    assert!(message.to_string().contains("c.data_incorporation_cost.training"), "{message}");
}
