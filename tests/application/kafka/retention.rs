//! Retention of keyed topics: samples that still affect keys are kept.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::keyed::Stream;
use crate::broker::brokers;
use crate::erasure::{answered, features, found, gc};
use crate::needs::KAFKA;
use crate::program::Program;
use crate::topics::{create, produce_keyed, unique};

crate::suite::tests! {
    replaced_samples_of_keyed_topics_expire needs KAFKA,
    deleted_samples_are_erased_from_all_segments needs KAFKA,
}

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

/// The versions that were trained on samples of a key, and the number of its samples.
fn of_key(key: &str, state: &Path) -> (Vec<Value>, usize) {
    let answer = asked(&["lineage", "--key", key], state);
    let versions = answer["versions"].as_array().unwrap().iter();
    let keys = ["version", "replaced", "deleted"];
    let versions = versions.map(|version| json!(keys.map(|key| version[key].clone())));
    let rows = answer["rows"].as_array().unwrap().iter();
    (versions.collect(), rows.filter(|row| row["kind"] == "put").count())
}

fn replaced_samples_of_keyed_topics_expire() {
    let brokers = brokers();
    let stream = Stream::new(16_000);
    let topic = stream.produce(brokers, "retention");
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
    // questions about the past have the same answers.
    assert_eq!(asked(&["lineage", "--tainted"], &state), tainted);
    assert_eq!(of_key(&stream.keys[0], &state), key);

    let again = Program::start_at(ran.folder, &text(brokers, &topic), &["--workers", "2"], &[]);
    let again = again.end();
    again.assert_done();
    for key in ["samples", "classes", "triggers", "evaluation"] {
        assert_eq!(again.summary[key], ran.summary[key], "{key}");
    }
}

fn deleted_samples_are_erased_from_all_segments() {
    let brokers = brokers();
    let topic = unique("erasure");
    create(brokers, &topic, 1);
    // of ten keys, one is deleted and one is replaced, long before the last decision.
    let row = |i: i64| format!("{{\"a\":{i}.125,\"b\":{i}.25,\"c\":{}}}", i % 2);
    let rows: Vec<(String, Option<String>)> = (0..400)
        .map(|i| match i {
            100 => ("key-3".to_owned(), None),
            101 => ("key-4".to_owned(), Some(row(1000))),
            _ => (format!("key-{i}"), Some(row(i))),
        })
        .collect();
    let messages = rows.iter().enumerate().map(|(i, (key, row))| {
        (0, 1_000 + i as i64, Some(key.as_str()), row.as_ref().map(|row| row.as_bytes()))
    });
    produce_keyed(brokers, &topic, messages);
    let text = text(brokers, &topic)
        .replace("every = 1000", "every = 90")
        .replace("retention.log.samples = 1000", "")
        .replace("features = [\"a\"]", "features = [\"a\", \"b\"]");
    let ran = Program::start(&text).end();
    ran.assert_done();
    let state = ran.folder.path().join("state");
    let [deleted, replaced, there] =
        [3, 4, 5].map(|offset| features(&state, &format!("{topic}/0/{offset}")));
    assert_eq!(found(&state, &deleted).len(), 1);

    let named = gc(&state, &["--erase", "--sample", &format!("{topic}/0/5")], &[]);
    let said = String::from_utf8_lossy(&named.stderr).into_owned();
    assert!(
        named.status.code() == Some(64) && said.contains("the newest sample of its key"),
        "{said}"
    );
    let erased = answered(&gc(&state, &["--erase", "--json"], &[]));
    assert_eq!(erased["erased"]["samples"], 2, "{erased}");
    assert_eq!(erased["not_erased"], json!({}));
    assert!(found(&state, &deleted).is_empty() && found(&state, &replaced).is_empty());
    assert_eq!(found(&state, &there).len(), 1);
    assert_eq!(asked(&["verify"], &state)["problems"], json!([]));

    let again = Program::start_at(ran.folder, &text, &[], &[]).end();
    again.assert_done();
    for key in ["samples", "classes", "triggers", "evaluation"] {
        assert_eq!(again.summary[key], ran.summary[key], "{key}");
    }
}
