//! Batches of the log with changed bytes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{Program, Ran, decided_of};
use crate::topics::{delete, new_topic, produce};

crate::suite::tests! {
    a_damaged_batch_is_read_again_from_its_topic needs KAFKA,
    a_batch_that_the_topic_no_longer_has_is_not_repaired needs KAFKA,
}

fn start(brokers: &str, topic: &str, folder: Option<tempfile::TempDir>) -> Program {
    let pipeline = format!(
        "name = \"{topic}\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"] }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 900
        selection.new_data = {{ tail = \"all\" }}
        model.mlp.hidden = [2]
        training = {{}}"
    );
    let folder = folder.unwrap_or_else(|| tempfile::tempdir().unwrap());
    Program::start_at(folder, &pipeline, &["--poll", "100"], &[])
}

/// Valid and invalid rows, some of them late.
fn fill(brokers: &str, topic: &str, numbers: std::ops::Range<i64>) {
    let row = |i: i64| match i % 10 {
        3 => b"not a sample".to_vec(),
        _ => format!("{{\"a\":{},\"c\":{}}}", i % 100, i % 2).into_bytes(),
    };
    let time = |i: i64| 1_000_000 + i - if i % 7 == 0 { 500 } else { 0 };
    let rows: Vec<_> = numbers.map(|i| (0, time(i), row(i))).collect();
    let rows = rows.iter().map(|(partition, time, row)| (*partition, *time, &row[..]));
    produce(brokers, topic, rows);
}

fn stop(mut job: Program, version: u64) -> Ran {
    job.wait_for(&format!("models/{version}/version.json"));
    job.terminate();
    let ran = job.end();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    ran
}

/// A job that was stopped after two versions, and its topic of 2,500 messages.
fn stopped(brokers: &str) -> (String, Ran) {
    let topic = new_topic(brokers, "damaged", 1);
    fill(brokers, &topic, 0..2500);
    let ran = stop(start(brokers, &topic, None), 2);
    (topic, ran)
}

/// Changes a byte of the longest segment, after a few batches.
fn damage(state: &Path) -> PathBuf {
    let files = fs::read_dir(state.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let segments = files.filter(|path| path.extension().is_some_and(|end| end == "arrows"));
    let path = segments.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[30_000] ^= 4;
    fs::write(&path, bytes).unwrap();
    path
}

fn a_damaged_batch_is_read_again_from_its_topic() {
    let brokers = brokers();
    let (topic, ran) = stopped(brokers);
    let path = damage(&ran.folder.path().join("state"));
    let before = fs::read(&path).unwrap();
    // the last but one sample is the last of the fifth version, so that reading it later has the same
    // result.
    fill(brokers, &topic, 2500..5000);
    produce(brokers, &topic, [(0, 2_000_000, &br#"{"a":0,"c":0}"#[..])].into_iter());
    let repaired = stop(start(brokers, &topic, Some(ran.folder)), 5);
    assert!(repaired.said.contains("is damaged at byte"), "{}", repaired.said);
    assert_ne!(fs::read(&path).unwrap(), before, "the segment is as it was");
    let undisturbed = stop(start(brokers, &topic, None), 5);
    // the number of scores of the last samples depends on the moment of the stop.
    let [repaired, undisturbed] = [repaired, undisturbed].map(|ran| {
        let mut decided = decided_of(ran.summary);
        decided.as_object_mut().unwrap().remove("evaluation");
        decided
    });
    assert_eq!(repaired, undisturbed);
}

fn a_batch_that_the_topic_no_longer_has_is_not_repaired() {
    let brokers = brokers();
    let (topic, ran) = stopped(brokers);
    damage(&ran.folder.path().join("state"));
    delete(brokers, &topic, 0, 2000);
    fill(brokers, &topic, 2500..5000);
    let ran = start(brokers, &topic, Some(ran.folder)).end();
    assert_eq!(ran.code, Some(65), "{}", ran.said);
    let wanted = [format!("reading {topic}/0, offsets "), "no longer has offset".to_owned()];
    assert!(wanted.iter().all(|text| ran.said.contains(text)), "{}", ran.said);
    assert!(ran.said.contains("is damaged at byte"), "{}", ran.said);
}
