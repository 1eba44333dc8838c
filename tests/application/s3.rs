//! Segments on a real S3 server. Compiled with the feature `s3`.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::needs::S3;
use crate::object_store::{BUCKET, ObjectStoreServer};
use crate::program::{Program, Ran};
use crate::retention::{PIPELINE, count, same};
use crate::wait::OutputInTime;

crate::suite::tests! {
    segments_on_s3_decide_as_local_ones_through_kills_and_outages needs S3,
}

fn pipeline(folder: &Path, tier: &str) -> String {
    let reaching_back = PIPELINE.replace(
        "{ limit = 500, tail = 1 }",
        "{ tail = \"all\", limit = 500, keep = \"uniform\" }",
    );
    let text = reaching_back.replace("SINK", folder.join("sink").to_str().unwrap());
    format!("order.max_buffered = 1000\n{text}{tier}")
}

/// Runs the job in `folder`, which may hold a killed run.
fn start(folder: tempfile::TempDir, tier: &str, environment: &[(&str, &str)]) -> Program {
    let text = pipeline(folder.path(), tier);
    Program::start_at(folder, &text, &["--poll", "200"], environment)
}

fn segments_on_s3_decide_as_local_ones_through_kills_and_outages() {
    let mut server = ObjectStoreServer::start();
    let settings = server.environment();
    let mut environment: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let kept = start(tempfile::tempdir().unwrap(), "", &[]).end();
    kept.assert_done();

    let tier = format!("[store.tier]\nurl = \"s3://{BUCKET}/cold\"\ncache = \"0B\"");
    environment.push(("DRIFTMILL_ABORT", "model.stored:4"));
    let killed = start(tempfile::tempdir().unwrap(), &tier, &environment).end();
    assert_eq!(killed.code, None, "{}", killed.said);
    environment.pop();
    let state = killed.folder.path().join("state");
    let ask = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftmill"));
        command
            .arg(arguments[0])
            .arg(&state)
            .args(&arguments[1..])
            .envs(environment.iter().copied());
        command.output_in_time()
    };
    let moved = ask(&["gc", "--json"]);
    assert!(moved.status.success(), "{moved:?}");
    let before = server.objects("cold").len();
    assert!(before > 0 && count(&state.join("log"), "arrows") == 0, "{before} objects");

    // what the next decisions need is fetched; a server that is away is waited for.
    server.kill();
    let mut rest = start(killed.folder, &tier, &environment);
    std::thread::sleep(Duration::from_secs(3));
    assert!(rest.runs(), "it gave up");
    server.start_again();
    let rest: Ran = rest.end();
    rest.assert_done();
    same(&kept.summary, &rest.summary);
    let outages = rest.summary["outages"].as_array().unwrap();
    assert!(outages.iter().any(|outage| outage["part"] == "store.tier"), "{outages:?}");
    assert!(server.objects("cold").len() > before);
    assert_eq!(count(&state.join("log"), "arrows"), 0, "a complete run keeps nothing locally");
    let verified = ask(&["verify"]);
    assert!(verified.status.success(), "{verified:?}");

    // erasure rewrites an object, and damage to another is found.
    let erased = ask(&["gc", "--erase", "--sample", "sea/0/17", "--json"]);
    assert!(erased.status.success(), "{erased:?}");
    let object = server.objects("cold").into_iter().max().unwrap();
    let mut bytes = std::fs::read(&object).unwrap();
    let at = bytes.len() / 3;
    bytes[at] ^= 64;
    std::fs::write(&object, &bytes).unwrap();
    let verified = ask(&["verify"]);
    assert_eq!(verified.status.code(), Some(65), "{verified:?}");
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(said.contains("s3://driftmill/cold/"), "{said}");
}
