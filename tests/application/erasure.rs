//! Erasure: the bytes of erased samples are nowhere in the state directory.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use driftmill::history::History;
use driftmill_datasets::{ValueType, Values};
use serde_json::{Value, json};

use crate::program::{Program, Ran};
use crate::wait::OutputInTime;

crate::suite::tests! {
    an_erased_sample_is_in_no_file_and_all_others_remain,
    an_erasure_can_be_repeated_after_a_kill,
}

const PIPELINE: &str = "
    name = \"erasure\"
    source.generator = { stream.sea = { length = 12000 }, partitions = 2 }
    trigger.amount.every = 2000
    selection.new_data = { limit = 500 }
    model.mlp = { hidden = [4] }
    training = { epochs = 1 }
    store.segment.size = \"64KiB\"";

pub(crate) fn gc(state: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    command.arg("gc").arg(state).args(arguments).envs(environment.iter().copied()).output_in_time()
}

pub(crate) fn answered(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The features of a sample, as they are in the log.
pub(crate) fn features(state: &Path, sample: &str) -> Vec<u8> {
    let history = History::open(state).unwrap();
    let mut values = Values::new(ValueType::F32);
    history.log.gather(&[history.id(sample).unwrap()], &mut values).unwrap();
    let Values::F32(values) = values else { panic!("they are floats") };
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The files below `folder` that contain `bytes`.
pub(crate) fn found(folder: &Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files.extend(found(&path, bytes));
        } else if fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes) {
            files.push(path);
        }
    }
    files
}

fn problems(state: &Path) -> Value {
    let mut verify = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    answered(&verify.arg("verify").arg(state).arg("--json").output_in_time())["problems"].clone()
}

fn ran() -> Ran {
    let ran = Program::start_with(PIPELINE, &["--poll", "200"]).end();
    ran.assert_done();
    ran
}

fn an_erased_sample_is_in_no_file_and_all_others_remain() {
    let ran = ran();
    let state = ran.folder.path().join("state");
    let [wanted, other] = ["sea/1/17", "sea/1/18"].map(|sample| features(&state, sample));
    assert_eq!(found(&state, &wanted).len(), 1);

    // every policy must have observed it: the last samples have triggered nothing yet.
    let newest = answered(&gc(&state, &["--erase", "--sample", "sea/1/5999", "--json"], &[]));
    assert_eq!(newest["not_erased"], json!({ "a restart reads them again": 1 }), "{newest}");
    let sample = ["--erase", "--sample", "sea/1/17", "--json"];
    let would = answered(&gc(&state, &[&sample[..], &["--dry-run"]].concat(), &[]));
    assert_eq!(found(&state, &wanted).len(), 1);
    let erased = answered(&gc(&state, &sample, &[]));
    assert_eq!(would["erased"], erased["erased"]);
    assert_eq!(erased["erased"], json!({ "samples": 1, "segments": 1 }));
    assert_eq!(found(&state, &wanted), Vec::<std::path::PathBuf>::new());
    assert_eq!((found(&state, &other).len(), features(&state, "sea/1/18")), (1, other));
    assert_eq!(problems(&state), json!([]));
    let again = answered(&gc(&state, &sample, &[]));
    assert_eq!(again["erased"], json!({ "samples": 0, "segments": 0 }));

    let mut lineage = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    let lineage = lineage.arg("lineage").arg(&state).args(["--sample", "sea/1/17", "--json"]);
    let lineage = answered(&lineage.output_in_time());
    assert_eq!(
        (&lineage["rows"][0]["kind"], &lineage["rows"][0]["expired"]),
        (&json!("erased"), &json!(true))
    );

    let rest = Program::start_at(ran.folder, PIPELINE, &["--workers", "2"], &[]).end();
    rest.assert_done();
    for key in ["samples", "triggers", "evaluation"] {
        assert_eq!(rest.summary[key], ran.summary[key], "{key}");
    }
}

fn an_erasure_can_be_repeated_after_a_kill() {
    let ran = ran();
    let state = ran.folder.path().join("state");
    for (place, sample) in [("erase.written:1", "sea/0/3"), ("erase.recorded:1", "sea/0/500")] {
        let wanted = features(&state, sample);
        let sample = ["--erase", "--sample", sample, "--json"];
        assert_eq!(gc(&state, &sample, &[("DRIFTMILL_ABORT", place)]).status.code(), None);
        assert_eq!(problems(&state), json!([]), "{place}");
        answered(&gc(&state, &sample, &[]));
        assert_eq!(found(&state, &wanted), Vec::<std::path::PathBuf>::new(), "{place}");
        assert_eq!(problems(&state), json!([]), "{place}");
    }
    let wrong = gc(&state, &["--erase", "--sample", "sea/0/999999"], &[]);
    assert_eq!(wrong.status.code(), Some(64), "{wrong:?}");
}
