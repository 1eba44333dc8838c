//! Lineage: the versions of samples, queried for an ended run and for a running one.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::keyed::{Ids, Stream, training_sets};
use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{Program, driftmill, pipeline, run_to_end};
use crate::retention::count;
use crate::small_job::small_job;
use crate::topics::new_topic;
use crate::wait::{LIMIT, OutputInTime, wait_for};

crate::suite::tests! {
    lineage_lists_versions_that_were_trained_on_retracted_samples needs KAFKA,
    lineage_answers_while_a_run_continues needs KAFKA,
    lineage_of_an_indexed_key_reads_only_batches_with_the_key needs KAFKA,
}

fn text(brokers: &str, topic: &str, until: &str) -> String {
    small_job(&format!(
        "name = \"lineage\"
        trigger.amount.every = 100
        selection.new_data.tail = \"all\"
        compare.rarely.trigger.amount.every = 300
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        {until}
        keyed = true"
    ))
}

fn ask(state: &Path, question: &[&str]) -> (Option<i32>, Value, String) {
    let mut lineage = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    let output = lineage.arg("lineage").arg(state).args(question).output_in_time();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let answer = if question.contains(&"--json") {
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    } else {
        Value::from(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    (output.status.code(), answer, said)
}

fn asked(state: &Path, question: &[&str]) -> Value {
    let (code, answer, said) = ask(state, &[question, &["--json"]].concat());
    assert_eq!(code, Some(0), "{said}");
    answer
}

fn lineage_lists_versions_that_were_trained_on_retracted_samples() {
    let brokers = brokers();
    let stream = Stream::new(1000);
    let topic = stream.produce(brokers, "lineage");
    let (_, folder) = run_to_end(&pipeline(&text(brokers, &topic, "until = \"end\"")), 2, 100);
    let state = folder.path().join("state");
    let sets = training_sets(&state);

    // for each version, the number of retracted samples and the reasons.
    let (replaced, deleted) = stream.retracted();
    let answer = asked(&state, &["--tainted"]);
    let of = |policy: &str| -> Vec<[u64; 4]> {
        let versions = answer["versions"].as_array().unwrap().iter();
        let versions = versions.filter(|version| version["policy"] == policy);
        let number = |version: &Value, key: &str| version[key].as_u64().unwrap();
        let keys = ["version", "samples", "replaced", "deleted"];
        versions.map(|version| keys.map(|key| number(version, key))).collect()
    };
    let count = |set: &Ids, retracted: &Ids| set.intersection(retracted).count() as u64;
    let wanted: Vec<[u64; 4]> = sets
        .iter()
        .enumerate()
        .map(|(i, set)| {
            [i as u64 + 1, set.len() as u64, count(set, &replaced), count(set, &deleted)]
        })
        .collect();
    assert_eq!(of("lineage"), wanted);
    assert_eq!(of("rarely").len(), 2);
    assert!(wanted[0][2] > 0 && wanted[0][3] > 0, "{wanted:?}");

    // for a retracted sample, the versions that were trained on it.
    let (_, partition, offset) = *sets[1].intersection(&deleted).next().unwrap();
    let sample = format!("{topic}/{partition}/{offset}");
    let answer = asked(&state, &["--sample", &sample]);
    assert_eq!(
        (&answer["retracted"], &answer["rows"][0]["status"]),
        (&true.into(), &"deleted".into())
    );
    let saw = answer["versions"].as_array().unwrap().iter();
    let saw = saw.filter(|version| version["policy"] == "lineage" && version["deleted"] == true);
    let saw: Vec<u64> = saw.map(|version| version["version"].as_u64().unwrap()).collect();
    let knows =
        |(i, set): (usize, &Ids)| set.contains(&(0, partition, offset)).then_some(i as u64 + 1);
    assert_eq!(saw, sets.iter().enumerate().filter_map(knows).collect::<Vec<_>>());

    // for a key, the whole history.
    let key = &stream.keys[offset as usize * 2 + usize::from(partition)];
    let rows = asked(&state, &["--key", key])["rows"].as_array().unwrap().len();
    assert_eq!(rows, stream.keys.iter().filter(|other| *other == key).count());

    // for a version, its decision and training.
    let answer = asked(&state, &["--version", "3"]);
    let labels: u64 =
        answer["labels"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(
        (answer["samples"].as_u64(), labels),
        (Some(sets[2].len() as u64), sets[2].len() as u64)
    );
    assert_eq!(answer["partitions"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&answer["parents"][0]["version"], &answer["parents"][1]["version"]),
        (&2.into(), &1.into())
    );
    questions_are_answered_or_refused(&state);
}

fn questions_are_answered_or_refused(state: &Path) {
    // the output for people has the same content, and explains invalid questions.
    let (_, table, _) = ask(state, &["--tainted"]);
    assert!(table.as_str().unwrap().contains("newest version without such samples: "), "{table}");
    for (question, problem) in [
        (["--sample", "nothing"], "does not name a sample"),
        (["--sample", "nothing/0/1"], "reads no partition `nothing/0`"),
        (["--key", "nobody"], "no message with the key `nobody`"),
        (["--version", "99"], "no version 99"),
    ] {
        let (code, _, said) = ask(state, &question);
        assert!(code == Some(64) && said.contains(problem), "{code:?} {said}");
    }
}

fn lineage_answers_while_a_run_continues() {
    let brokers = brokers();
    let topic = Stream::new(700).produce(brokers, "lineage");
    let mut run = Program::start(&text(brokers, &topic, ""));
    run.wait_for("models/5/version.json");
    wait_for("six versions in the answer", LIMIT, || {
        let answer = asked(&run.state(), &["--tainted"]);
        assert!(run.runs(), "{answer}");
        answer["versions"].as_array().unwrap().len() >= 6
    });
    run.interrupt();
    assert_eq!(run.end().code, Some(130));
}

fn lineage_of_an_indexed_key_reads_only_batches_with_the_key() {
    const PART: usize = 300;
    let brokers = brokers();
    let mut stream = Stream::new(4 * PART);
    // the first segment has a key that no other has.
    stream.keys[0] = "once".to_owned();
    let topic = new_topic(brokers, "lineage", 2);
    let text = text(brokers, &topic, "")
        .replace("[source.kafka]", "[store.segment]\nage = \"1ms\"\n[source.kafka]");
    let mut run = Program::start(&text);
    for part in 0..4 {
        stream.produce_part(brokers, &topic, part * PART..(part + 1) * PART);
        // a part is logged before the next one, which begins a new segment.
        run.wait_for(&format!("models/{}/version.json", 2 * (part + 1)));
    }
    let (state, log) = (run.state(), run.state().join("log"));
    wait_for("two segments with indexed keys", LIMIT, || {
        assert!(run.runs());
        count(&log, "keys") >= 2
    });
    run.interrupt();
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.said);

    let answers = || [stream.keys[1].as_str(), "once"].map(|key| asked(&state, &["--key", key]));
    let indexed = answers();
    assert_eq!(indexed[1]["rows"].as_array().unwrap().len(), 1);
    assert!(indexed[0]["rows"].as_array().unwrap().len() > 10, "{}", indexed[0]);
    assert!(driftmill("verify", &state, &[]).status.success());

    // damage where the key does not occur is not met, and met without the index.
    let files = |extension: &str| {
        let files = std::fs::read_dir(&log).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> =
            files.filter(|path| path.extension() == Some(extension.as_ref())).collect();
        files.sort();
        files
    };
    let other = files("keys").pop().unwrap().with_extension("arrows");
    let intact = std::fs::read(&other).unwrap();
    let mut damaged = intact.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&other, damaged).unwrap();
    assert_eq!(asked(&state, &["--key", "once"]), indexed[1]);
    let away = files("keys").into_iter().map(|path| (std::fs::read(&path).unwrap(), path));
    let away: Vec<_> = away.collect();
    away.iter().for_each(|(_, path)| std::fs::remove_file(path).unwrap());
    let (code, _, said) = ask(&state, &["--key", "once"]);
    assert!(code == Some(65) && said.contains("damaged"), "{code:?} {said}");

    // without an index, the answers are the same.
    std::fs::write(&other, intact).unwrap();
    assert_eq!(answers(), indexed);

    // a damaged index is named.
    let (mut bytes, path) = away.into_iter().next().unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for output in
        [driftmill("verify", &state, &[]), driftmill("lineage", &state, &["--key", "once"])]
    {
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.code() == Some(65) && said.contains(".keys"), "{said}");
    }
}
