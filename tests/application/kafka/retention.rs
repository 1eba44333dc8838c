//! Retention of keyed topics: what still has a say about keys stays.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::broker::brokers;
use super::keyed::Stream;
use super::topics::unique;
use crate::runs::Program;

fn text(brokers: &str, topic: &str) -> String {
    format!(
        "name = \"keyed\"
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 1000
        selection.new_data = {{ tail = \"all\", limit = 20 }}
        model.mlp = {{ hidden = [2] }}
        training = {{}}
        store.segment.size = \"64KiB\"
        retention.log.samples = 1000
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        until = \"end\"
        keyed = true"
    )
}

fn asked(arguments: &[&str], state: &Path) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    let output = command.arg(arguments[0]).arg(state).args(&arguments[1..]).arg("--json").output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The versions that saw samples of a key, and how many samples it had.
fn of_key(key: &str, state: &Path) -> (Vec<Value>, usize) {
    let answer = asked(&["lineage", "--key", key], state);
    let versions = answer["versions"].as_array().unwrap().iter();
    let keys = ["version", "replaced", "deleted"];
    let versions = versions.map(|version| json!(keys.map(|key| version[key].clone())));
    let rows = answer["rows"].as_array().unwrap().iter();
    (versions.collect(), rows.filter(|row| row["kind"] == "put").count())
}

#[test]
fn of_keyed_samples_those_go_that_others_replaced() {
    let Some(brokers) = brokers() else { return };
    let topic = unique("retention");
    let stream = Stream::new(16_000);
    stream.produce(brokers, &topic);
    let ran = Program::start_with(&text(brokers, &topic), &["--poll", "100"]).end();
    ran.assert_done();
    let state = ran.folder.path().join("state");
    let tainted = asked(&["lineage", "--tainted"], &state);
    let key = of_key(&stream.keys[0], &state);
    assert!(!key.0.is_empty());

    let would = asked(&["gc", "--dry-run"], &state);
    let freed = asked(&["gc"], &state);
    assert_eq!(would["freed"], freed["freed"]);
    assert!(freed["freed"]["samples"].as_u64() > Some(3000), "{freed}");
    assert_eq!(asked(&["gc"], &state)["freed"]["files"], 0);
    assert_eq!(asked(&["verify"], &state)["problems"], json!([]));
    // what is asked about the past has the same answers.
    assert_eq!(asked(&["lineage", "--tainted"], &state), tainted);
    assert_eq!(of_key(&stream.keys[0], &state), key);

    let again = Program::start_at(ran.folder, &text(brokers, &topic), &["--workers", "2"], &[]);
    let again = again.end();
    again.assert_done();
    for told in ["samples", "classes", "triggers", "evaluation"] {
        assert_eq!(again.summary[told], ran.summary[told], "{told}");
    }
}
