//! Damaged bytes of a state directory. A run that resumes from them reaches the right result or names the
//! damage.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use driftmill::cli::exit_code;
use driftmill::config::Pipeline;
use driftmill::job::{Interrupt, Options, run};
use driftmill::report::Summary;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

use crate::program::{decided, pipeline};
use crate::small_job::long_job;
use crate::wait::{LIMIT, wait_for};

crate::suite::tests! {
    a_changed_byte_never_changes_decisions,
    a_damaged_or_missing_index_is_rebuilt_from_its_segment,
    missing_files_are_reported_and_nothing_is_overwritten,
}

const DAMAGED: u8 = 65;

fn job() -> String {
    long_job("damage", "trigger.amount.every = 1000\ntraining.epochs = 2")
}

fn run_in(state: &Path, pipeline: &Pipeline) -> anyhow::Result<Summary> {
    let options = Options { state: Some(state.to_owned()), poll: 100, ..Options::default() };
    Ok(run(pipeline.clone(), &options, &Interrupt::default())?.summary)
}

/// The state directory of a job that was killed after a few versions.
fn killed(folder: &Path) -> PathBuf {
    let (file, state) = (folder.join("damage.toml"), folder.join("killed"));
    fs::write(&file, job()).unwrap();
    let mut job = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .arg("run")
        .args([&file, Path::new("--poll"), Path::new("100"), Path::new("--state"), &state])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("five versions", LIMIT, || {
        assert!(job.try_wait().unwrap().is_none(), "it ended too early");
        state.join("models/5/version.json").exists()
    });
    job.kill().unwrap();
    job.wait().unwrap();
    state
}

/// All files below a folder that contain data of the run, in a fixed order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
    // the first is only a mark, and the second is rebuilt from the write-ahead log.
    found.retain(|path| !path.ends_with("lock") && !path.ends_with("catalog.sqlite-shm"));
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").args(["-r", "--sparse=always"]).args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// The length of the written part of a file. A segment that grows is longer.
fn written(path: &Path) -> usize {
    let bytes = fs::read(path).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

fn a_changed_byte_never_changes_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(&job());
    let wanted = decided(&run_in(&folder.path().join("whole"), &pipeline).unwrap());
    let state = killed(folder.path());
    let flip = (any::<Index>(), any::<Index>(), 0u8..8);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 40,
        // each attempt is a whole run.
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let number = std::cell::Cell::new(0);
    let tried = runner.run(&flip, |(file, at, bit)| {
        number.set(number.get() + 1);
        let damaged = folder.path().join(format!("damaged-{}", number.get()));
        copy(&state, &damaged);
        let files = files(&damaged);
        let path = &files[file.index(files.len())];
        let mut bytes = fs::read(path).unwrap();
        let at = at.index(written(path).max(1));
        bytes[at] ^= 1 << bit;
        fs::write(path, bytes).unwrap();
        match run_in(&damaged, &pipeline) {
            Ok(summary) => {
                prop_assert!(decided(&summary) == wanted, "other results: {path:?} at {at}");
            }
            Err(error) => {
                let said = format!("{path:?} at {at}: {error:?}");
                prop_assert_eq!(exit_code(&error), DAMAGED, "{}", said);
            }
        }
        fs::remove_dir_all(&damaged).unwrap();
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

fn missing_files_are_reported_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(&job());
    let state = folder.path().join("state");
    run_in(&state, &pipeline).unwrap();
    let first = || fs::read(state.join("models/1/version.json")).unwrap();
    let before = first();
    let refused = |wanted: u8, what: &str| {
        let error = run_in(&state, &pipeline).unwrap_err();
        assert_eq!(exit_code(&error), wanted, "{error:?}");
        assert!(format!("{error:#}").contains(what), "{error:?}");
    };
    let (path, aside) = (state.join("log/000-000000.arrows"), folder.path().join("aside"));
    fs::rename(&path, &aside).unwrap();
    refused(DAMAGED, "is missing");
    fs::rename(&aside, &path).unwrap();
    run_in(&state, &pipeline).unwrap();
    for empty in [true, false] {
        for end in ["", "-wal", "-shm"] {
            drop(fs::remove_file(state.join(format!("catalog.sqlite{end}"))));
        }
        if empty {
            fs::write(state.join("catalog.sqlite"), "").unwrap();
        }
        refused(DAMAGED, "its catalog is empty or missing");
        assert_eq!(first(), before);
    }
}

fn a_damaged_or_missing_index_is_rebuilt_from_its_segment() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(&job());
    let wanted = decided(&run_in(&folder.path().join("whole"), &pipeline).unwrap());
    let killed = killed(folder.path());
    let index = |state: &Path| state.join("log/000-000000.index");
    let before = fs::read(index(&killed)).unwrap();
    for what in ["a changed byte", "zeros", "a cut", "nothing"] {
        let state = folder.path().join(what.replace(' ', "-"));
        copy(&killed, &state);
        let mut bytes = before.clone();
        match what {
            "a changed byte" => bytes[70] ^= 4,
            "zeros" => bytes.fill(0),
            "a cut" => bytes.truncate(100),
            _ => bytes.clear(),
        }
        if bytes.is_empty() {
            fs::remove_file(index(&state)).unwrap();
        } else {
            fs::write(index(&state), bytes).unwrap();
        }
        let summary = run_in(&state, &pipeline).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(decided(&summary), wanted, "{what}");
        let rebuilt = fs::read(index(&state)).unwrap();
        let durable = before.len().min(rebuilt.len());
        assert!(durable > 128 && rebuilt[..128] == before[..128], "{what}: other entries");
        let verified = driftmill::store::verify(
            &state.join("log"),
            &driftmill::catalog::Catalog::open(&state.join("catalog.sqlite"))
                .unwrap()
                .segments()
                .unwrap(),
        );
        assert!(verified.unwrap().damages.is_empty(), "{what}");
    }
}
