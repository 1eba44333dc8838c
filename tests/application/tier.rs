//! Segments on an object store: decisions do not depend on their place, and no object is lost or left
//! behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::erasure::features;
use crate::program::{Program, Ran};
use crate::retention::{PIPELINE, asked, count, driftmill, same, text};
use crate::wait::OutputInTime;

crate::suite::tests! {
    a_run_with_remote_segments_decides_as_one_with_local_segments,
    used_and_recent_segments_stay_local,
    kills_neither_lose_nor_leave_behind_objects,
    erased_samples_are_also_erased_on_the_object_store,
    damage_is_found_at_every_place_and_a_damaged_copy_is_fetched_again,
    a_job_waits_for_an_object_store_that_cannot_be_reached,
    an_invalid_store_is_rejected_with_a_hint,
}

/// A pipeline whose training sets contain the whole past.
fn reaching_back() -> String {
    PIPELINE
        .replace("{ limit = 500, tail = 1 }", "{ tail = \"all\", limit = 500, keep = \"uniform\" }")
}

/// The `[store.tier]` table of an object store in folder `tier` of `folder`.
fn tier(folder: &Path, cache: &str) -> String {
    let url = folder.join("cold");
    format!("[store.tier]\nurl = \"file://{}\"\ncache = \"{cache}\"", url.display())
}

fn pipeline(folder: &Path, cache: &str) -> String {
    reaching_back().replace("SINK", folder.join("sink").to_str().unwrap()) + &tier(folder, cache)
}

/// A run that was killed after a few decisions, in a separate folder.
fn killed(cache: &str, place: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    // reading must not be far ahead: the next process reads the rest of the stream.
    let text = format!("order.max_buffered = 1000\n{}", pipeline(folder.path(), cache));
    let killed =
        Program::start_at(folder, &text, &["--poll", "200"], &[("DRIFTMILL_ABORT", place)]).end();
    assert_eq!(killed.code, None, "{}", killed.said);
    killed
}

/// Resumes a killed run to its end.
fn resume(killed: Ran, arguments: &[&str]) -> Ran {
    let text = fs::read_to_string(killed.folder.path().join("p.toml")).unwrap();
    Program::start_at(killed.folder, &text, arguments, &[]).end()
}

/// The result of an undisturbed run that keeps all its segments.
fn undisturbed() -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let text = reaching_back().replace("SINK", folder.path().join("sink").to_str().unwrap());
    let ran = Program::start_at(folder, &text, &["--poll", "200"], &[]).end();
    ran.assert_done();
    ran
}

/// The objects of the run.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let runs = fs::read_dir(folder.join("cold")).into_iter().flatten();
    let files = runs.flat_map(|run| fs::read_dir(run.unwrap().path()).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn problems(state: &Path) -> Value {
    let verified = driftmill(&["verify", "--json"], state);
    let answer: Value = serde_json::from_slice(&verified.stdout).unwrap();
    answer["problems"].clone()
}

fn a_run_with_remote_segments_decides_as_one_with_local_segments() {
    let kept = undisturbed();
    let first = killed("0B", "model.stored:6");
    let (folder, state) = (first.folder.path().to_owned(), first.folder.path().join("state"));
    let before = count(&state.join("log"), "arrows");
    let would = asked(&["gc", "--dry-run", "--json"], &state);
    assert_eq!((objects(&folder).len(), count(&state.join("log"), "arrows")), (0, before));
    let moved = asked(&["gc", "--json"], &state);
    assert_eq!(would["moved"], moved["moved"]);
    // data that was not durable at the kill is not part of the run.
    let before = moved["moved"].as_array().unwrap().len();
    assert!(before > 2, "{moved}");
    assert_eq!(count(&state.join("log"), "index"), before);
    assert_eq!((objects(&folder).len(), count(&state.join("log"), "arrows")), (before, 0));
    assert_eq!(problems(&state), json!([]));

    let rest = resume(first, &["--workers", "2"]);
    rest.assert_done();
    same(&kept.summary, &rest.summary);
    assert_eq!(count(&state.join("log"), "arrows"), 0, "a complete run keeps nothing here");
    assert!(objects(&folder).len() > before);
    assert_eq!(problems(&state), json!([]));
    for sample in ["sea/0/17", "sea/1/9000"] {
        let there = kept.folder.path().join("state");
        assert_eq!(features(&state, sample), features(&there, sample));
    }
    let file = folder.join("all.parquet");
    let exported = driftmill(&["export", file.to_str().unwrap(), "--all"], &state);
    assert!(String::from_utf8_lossy(&exported.stdout).starts_with("24000 samples"), "{exported:?}");
}

fn used_and_recent_segments_stay_local() {
    let folder = tempfile::tempdir().unwrap();
    // samples are a second apart.
    let text = pipeline(folder.path(), "200KiB") + "\nage = \"8000s\"";
    let ran = Program::start_at(folder, &text, &["--poll", "200"], &[]).end();
    ran.assert_done();
    let state = ran.folder.path().join("state");
    let (here, remote) = (count(&state.join("log"), "arrows"), objects(ran.folder.path()).len());
    let all = count(&state.join("log"), "index");
    assert!(remote > 3 && remote < all, "{remote} of {all} segments are old");
    let cached = here - (all - remote);
    assert!((1..=3).contains(&cached), "{cached} segments of 64 KiB");
}

fn kills_neither_lose_nor_leave_behind_objects() {
    for place in ["tier.recorded:2", "tier.written:2"] {
        let first = killed("0B", "model.stored:3");
        let (folder, state) = (first.folder.path().to_owned(), first.folder.path().join("state"));
        let mut gc = Command::new(env!("CARGO_BIN_EXE_driftmill"));
        let gc = gc.arg("gc").arg(&state).env("DRIFTMILL_ABORT", place).output_in_time();
        assert_eq!(gc.status.code(), None, "{gc:?}");
        assert_eq!(problems(&state), json!([]), "{place}");
        asked(&["gc", "--json"], &state);
        assert_eq!(objects(&folder).len(), count(&state.join("log"), "index"), "{place}");

        // retention removes objects as well as local segments.
        let text = fs::read_to_string(folder.join("p.toml")).unwrap();
        let text = text.replace("tail = \"all\", ", "") + "\n[retention.log]\nsamples = 1000";
        fs::remove_dir_all(&state).unwrap();
        fs::remove_dir_all(folder.join("cold")).unwrap();
        let rest = Program::start_at(first.folder, &text, &["--fresh"], &[]).end();
        rest.assert_done();
        let left = count(&state.join("log"), "index");
        assert_eq!(objects(&folder).len(), left, "{place}");
        assert!(left < 8, "{left} segments");
    }
}

fn erased_samples_are_also_erased_on_the_object_store() {
    let folder = tempfile::tempdir().unwrap();
    let text = PIPELINE.replace("SINK", folder.path().join("sink").to_str().unwrap())
        + &tier(folder.path(), "0B");
    let ran = Program::start_at(folder, &text, &["--poll", "200"], &[]).end();
    ran.assert_done();
    let (folder, state) = (ran.folder.path(), ran.folder.path().join("state"));
    let before = objects(folder);
    let erased = asked(&["gc", "--erase", "--sample", "sea/0/17", "--json"], &state);
    assert_eq!(erased["erased"], json!({ "samples": 1, "segments": 1 }));
    let left = before.iter().filter(|object| object.exists()).count();
    assert_eq!(left, before.len() - 1, "the object with its features is there");
    assert_eq!(features(&state, "sea/0/17"), [0; 12]);
    asked(&["gc", "--json"], &state);
    assert_eq!(objects(folder).len(), before.len());
    assert_eq!(count(&state.join("log"), "arrows"), 0);
    assert_eq!(features(&state, "sea/0/17"), [0; 12]);
    assert_ne!(features(&state, "sea/0/18"), [0; 12]);
    assert_eq!(problems(&state), json!([]));
}

fn damage_is_found_at_every_place_and_a_damaged_copy_is_fetched_again() {
    let first = killed("1GB", "model.stored:3");
    let (folder, state) = (first.folder.path().to_owned(), first.folder.path().join("state"));
    asked(&["gc", "--json"], &state);
    let object = objects(&folder).into_iter().next().unwrap();
    let copy = state.join("log").join(object.file_stem().unwrap()).with_extension("arrows");

    // both the object and the copy are checked.
    let flip = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let at = bytes.len() / 3;
        bytes[at] ^= 64;
        fs::write(path, &bytes).unwrap();
    };
    flip(&object);
    let said = problems(&state).to_string();
    assert!(said.contains("parquet") && !said.contains("arrows"), "{said}");
    flip(&object);
    flip(&copy);
    let said = problems(&state).to_string();
    assert!(said.contains("arrows") && !said.contains("parquet"), "{said}");
    let rest = resume(first, &[]);
    rest.assert_done();
    assert!(rest.said.contains("fetching it again"), "{}", rest.said);
    assert_eq!(problems(&state), json!([]));

    // a missing object is damage, and it is named.
    fs::remove_file(&copy).unwrap();
    fs::remove_file(&object).unwrap();
    let said = problems(&state).to_string();
    assert!(said.contains("is missing") && said.contains("file://"), "{said}");
    let lost =
        driftmill(&["export", folder.join("all.parquet").to_str().unwrap(), "--all"], &state);
    assert_eq!(lost.status.code(), Some(65), "{lost:?}");
}

fn a_job_waits_for_an_object_store_that_cannot_be_reached() {
    let kept = undisturbed();
    let first = killed("0B", "model.stored:3");
    let (folder, state) = (first.folder.path().to_owned(), first.folder.path().join("state"));
    asked(&["gc", "--json"], &state);
    let (there, elsewhere) = (folder.join("cold"), folder.join("elsewhere"));
    fs::rename(&there, &elsewhere).unwrap();
    // a file in place of the folder: nothing can be read, but nothing is reported as missing.
    fs::write(&there, "").unwrap();
    let text = fs::read_to_string(folder.join("p.toml")).unwrap();
    let mut running = Program::start_at(first.folder, &text, &[], &[]);
    std::thread::sleep(Duration::from_secs(3));
    assert!(running.runs(), "it gave up");
    fs::remove_file(&there).unwrap();
    fs::rename(&elsewhere, &there).unwrap();
    let rest = running.end();
    rest.assert_done();
    same(&kept.summary, &rest.summary);
    assert_eq!(rest.summary["outages"][0]["part"], "store.tier", "{}", rest.summary["outages"]);
    assert_eq!(problems(&state), json!([]));
}

fn an_invalid_store_is_rejected_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    for (url, hint) in [
        ("nowhere", "as in \\\"s3://bucket/folder\\\""),
        ("ftp://host/folder", "wanted the URL of an object store"),
        #[cfg(not(feature = "s3"))]
        ("s3://bucket/folder", "`--features s3`"),
    ] {
        let file = folder.path().join("p.toml");
        let text = text(folder.path(), &format!("[store.tier]\nurl = \"{url}\""));
        fs::write(&file, text).unwrap();
        let mut check = Command::new(env!("CARGO_BIN_EXE_driftmill"));
        let said = check.arg("check").arg(&file).stderr(Stdio::piped()).output_in_time();
        let text = String::from_utf8_lossy(&said.stderr).replace('"', "\\\"");
        assert_eq!(said.status.code(), Some(78), "{said:?}");
        assert!(text.contains("store.tier.url") && text.contains(hint), "{text}");
    }
}
