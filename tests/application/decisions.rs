//! Evaluations and decisions of policies, as `driftmill decisions` shows them.

use std::path::Path;
use std::process::{Command, Output};

use driftmill::config::Pipeline;
use serde_json::Value;

use crate::program::{decided, driftmill, pipeline, run_to_end};
use crate::small_job::sea_job;
use crate::wait::OutputInTime;

crate::suite::tests! {
    every_evaluation_is_recorded_and_shown,
    evaluations_are_plotted,
    old_trigger_evaluations_are_removed_and_decisions_stay,
}

const POLICIES: &str = r#"
[trigger.drift]
every = 250
warmup = 1000
windows.amount = { reference = 600, current = 250 }
metrics.mmd = { threshold = { p_value = 0.05 } }
metrics.ks = { threshold = 0.3 }

[compare.often]
trigger.amount.every = 900

[shadow.votes]
trigger.ensemble = { vote = "any", members.t.time.every = "20m", members.e.sequential = { on = "error", detector.ddm = {} } }
"#;

/// A pipeline with these policies, and with the tables in `more`.
fn job(more: &str) -> Pipeline {
    pipeline(&sea_job("seen", &format!("{POLICIES}{more}")))
}

fn decisions(state: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    command.arg("decisions").arg(state).args(arguments).output_in_time()
}

fn printed(state: &Path, arguments: &[&str]) -> String {
    let output = decisions(state, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn every_evaluation_is_recorded_and_shown() {
    let (summary, folder) = run_to_end(&job(""), 2, 500);
    let state = folder.path().join("state");
    let all: Vec<Value> = serde_json::from_str(&printed(&state, &["--json"])).unwrap();
    let of = |name: &str| all.iter().filter(|line| line["name"] == name).collect::<Vec<_>>();
    let [own, often, votes] = ["seen", "often", "votes"].map(of);

    // 4 in the warm-up, the last of which trains; then one after every 250 samples.
    let evaluations: Vec<_> =
        own.iter().filter(|line| !line["scores"].as_array().unwrap().is_empty()).collect();
    assert_eq!(evaluations.len(), (4000 - 1000) / 250, "{own:#?}");
    for line in &evaluations {
        let metrics = line["scores"].as_array().unwrap();
        assert_eq!(metrics.len(), 2);
        let mmd = metrics.iter().find(|score| score["metric"] == "mmd").unwrap();
        assert!(mmd["p_value"].is_f64() && mmd["value"].is_f64(), "{mmd}");
        let ks = metrics.iter().find(|score| score["metric"] == "ks").unwrap();
        assert_eq!(ks["threshold"], 0.3);
        assert!(line["model"].is_u64() && line["milliseconds"].as_f64().unwrap() > 0.0);
        let current = &line["windows"][1];
        assert_eq!((&current["name"], &current["samples"]), (&"current".into(), &250.into()));
        assert!(current["first_time"].as_i64() < current["last_time"].as_i64());
    }
    let fired: Vec<_> = own.iter().filter(|line| line["fired"] == true).collect();
    assert_eq!(fired.len(), summary.own.triggers.len());
    for (line, row) in fired.iter().zip(&summary.own.triggers) {
        assert_eq!(line["trigger"], row.trigger.id);
        assert_eq!(line["position"]["offset"], row.trigger.position.offset);
        assert_eq!(line["outcome"]["version"].as_u64(), row.version);
        assert_eq!(line["reason"], row.trigger.reason.text);
    }
    // decisions without an evaluation, and decisions that led to no training.
    assert_eq!(often.len(), 4);
    assert!(often.iter().all(|line| line["fired"] == true && line["outcome"]["samples"] == 900));
    assert!(votes.iter().all(|line| line["shadow"] == true && line["outcome"].is_null()));
    assert_eq!(
        votes.iter().filter(|line| line["fired"] == true).count(),
        summary.shadow["votes"].last_decisions.len()
    );
    let members: Vec<_> =
        votes.iter().flat_map(|line| line["members"].as_array().unwrap()).collect();
    assert!(members.iter().any(|look| look["policy"] == "sequential"), "{votes:#?}");

    let text = printed(&state, &[]);
    for part in [
        "seen: decided to train",
        "often: decided to train 4 times in 4",
        "shadow votes: would",
        "mmd",
        "version 1",
        "would train",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let few = printed(&state, &["--policy", "often", "--last", "2"]);
    assert_eq!(few.lines().count(), 4, "{few}");
    let newest: Value =
        serde_json::from_str(&printed(&state, &["--policy", "often", "--last", "2", "--json"]))
            .unwrap();
    assert_eq!(newest.as_array().unwrap().len(), 2);
    let models = driftmill("models", &state, &["--compare", "often", "--last", "1", "--json"]);
    let models: Value = serde_json::from_slice(&models.stdout).unwrap();
    assert_eq!((models.as_array().unwrap().len(), &models[0]["version"]), (1, &4.into()));
    assert!(!printed(&state, &["--policy", "seen", "--fired"]).contains("\n\n"));
}

fn evaluations_are_plotted() {
    let (_, folder) = run_to_end(&job(""), 1, 500);
    let state = folder.path().join("state");
    let [svg, png] = ["a.svg", "a.png"].map(|name| folder.path().join(name));
    for file in [&svg, &png] {
        let said = printed(&state, &["--plot", file.to_str().unwrap()]);
        // two metrics, one number of decisions, one of votes, and the statistic of a detector.
        assert!(said.contains("5 panels"), "{said}");
    }
    let text = std::fs::read_to_string(&svg).unwrap();
    for part in ["seen: drift", "often: amount", "shadow votes: ensemble", "mmd"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    for (arguments, code, part) in [
        (["--plot", "a.jpeg"], 64, ".svg or .png"),
        (["--plot", "/none/a.svg"], 69, "/none/a.svg"),
        (["--policy", "none"], 64, "there is seen, often, votes"),
    ] {
        let output = decisions(&state, &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(part), "{said}");
    }
}

fn old_trigger_evaluations_are_removed_and_decisions_stay() {
    let (kept, whole) = run_to_end(&job(""), 1, 500);
    let retention = "\n[retention]\ntrigger_evaluations.keep = 3\n";
    let (ran, folder) = run_to_end(&job(retention), 1, 500);
    assert_eq!(decided(&ran), decided(&kept));
    let count = |folder: &Path| -> Vec<(String, u64)> {
        let catalog = rusqlite::Connection::open(folder.join("state/catalog.sqlite")).unwrap();
        let query = "SELECT policy, count(*) FROM trigger_evaluations GROUP BY policy";
        let mut query = catalog.prepare(query).unwrap();
        let counts = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)));
        counts.unwrap().map(Result::unwrap).collect()
    };
    let (before, after) = (count(whole.path()), count(folder.path()));
    assert!(before.iter().any(|(_, count)| *count > 3), "{before:?}");
    let limited: Vec<_> =
        before.into_iter().map(|(policy, count)| (policy, count.min(3))).collect();
    assert_eq!(after, limited);
    // every decision is still listed, with its reason and outcome.
    let fired = |folder: &Path| -> Vec<[Value; 4]> {
        let text = printed(&folder.join("state"), &["--fired", "--json"]);
        let lines: Vec<Value> = serde_json::from_str(&text).unwrap();
        let keys = ["name", "trigger", "reason", "position"];
        lines.iter().map(|line| keys.map(|key| line[key].clone())).collect()
    };
    assert_eq!(fired(whole.path()), fired(folder.path()));
}
