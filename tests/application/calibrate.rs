//! `driftmill calibrate`: thresholds that it proposes for one stable part of a stream hold for another one.

use std::process::{Command, Output};

use crate::wait::OutputInTime;
use serde_json::Value;

crate::suite::tests! {
    proposals_have_the_wanted_rate_on_another_stretch,
    pipelines_without_thresholds_are_reported,
}

/// The distribution of the features does not change. The thresholds nearly always fire.
const PIPELINE: &str = r#"
name = "stable"
source.generator.stream.hyperplane = { length = 30000, seed = 1, degrees = 0 }
selection.new_data.limit = 500
model.mlp = { hidden = [4], classes = 2 }
training = { epochs = 1, seed = 2 }

[trigger.drift]
every = 100
warmup = 400
on = "features"
windows.amount = { reference = 300, current = 100 }
metrics.ks = { threshold = 0.02 }
metrics.psi = { threshold = 0.01 }

[shadow.several.trigger.ensemble]
members.loss.sequential = { on = "loss", warmup = 400, detector.page_hinkley = { threshold = 0.5 } }
members.right.performance = { every = 100, warmup = 400, metrics.accuracy = { threshold = 0.99 } }
members.often.amount = { every = 1000 }
"#;

fn driftmill(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_driftmill")).args(arguments).output_in_time()
}

fn proposals_have_the_wanted_rate_on_another_stretch() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stable.toml");
    std::fs::write(&file, PIPELINE).unwrap();
    let file = file.to_str().unwrap();
    let output = driftmill(&["calibrate", file, "--rate", "0.02", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calibrated: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(calibrated["left_out"], serde_json::json!(["several.often (amount)"]));
    let proposals = calibrated["proposals"].as_array().unwrap();
    let keys: Vec<&str> = proposals.iter().map(|found| found["key"].as_str().unwrap()).collect();
    let members = "shadow.several.trigger.ensemble.members";
    let loss = format!("{members}.loss.sequential.detector.page_hinkley.threshold");
    let right = format!("{members}.right.performance.metrics.accuracy.threshold");
    assert_eq!(
        keys,
        [
            "trigger.drift.metrics.ks.threshold",
            "trigger.drift.metrics.psi.threshold",
            &loss,
            &right
        ]
    );
    for proposal in proposals {
        assert!(proposal["false_alarms"].as_f64().unwrap() > 0.2, "{proposal:#}");
        assert!(proposal["expected"].as_f64().unwrap() <= 0.02, "{proposal:#}");
    }
    // the two metrics share the rate.
    assert!(proposals[0]["expected"].as_f64().unwrap() <= 0.01);

    // on the stream of another seed: 296 evaluations.
    let sets: Vec<String> = proposals
        .iter()
        .map(|found| format!("{}={}", found["key"].as_str().unwrap(), found["proposed"]))
        .chain(["source.generator.stream.hyperplane.seed=7".to_owned()])
        .collect();
    let state = folder.path().join("state");
    let mut arguments = vec!["run", file, "--json", "--state", state.to_str().unwrap()];
    sets.iter().for_each(|set| arguments.extend(["--set", set]));
    let output = driftmill(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let trainings = summary["triggers"].as_array().unwrap().len();
    assert!((1..=18).contains(&trainings), "{trainings} trainings, one of them the first");

    // a table, and lines for the file.
    let output = driftmill(&["calibrate", file, "--rate", "0.02"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let line = format!("trigger.drift.metrics.ks.threshold = {}", proposals[0]["proposed"]);
    for part in ["false alarms", "several.loss", "measured", "resampled", &line] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for (rate, range) in
        [("1.5", "--from=0"), ("0.1", "--from=2030-13-01"), ("0.1", "--from=2030-01-01")]
    {
        let output = driftmill(&["calibrate", file, "--rate", rate, range]);
        assert!(matches!(output.status.code(), Some(64 | 2)), "{output:?}");
    }
}

fn pipelines_without_thresholds_are_reported() {
    let output = driftmill(&["calibrate", "pipelines/every-1000.toml"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("no policy"), "{output:?}");
}
