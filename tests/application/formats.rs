//! State directories of earlier formats, of newer ones, and damage to the catalog.
//!
//! The fixtures are state directories of jobs that were killed before they recorded their end. After a
//! change of the format, `DRIFTMILL_WRITE_FIXTURE=1 cargo test --test application formats` writes the
//! fixture of the new format.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use driftmill::catalog::{Catalog, verify};
use driftmill::cli::exit_code;
use driftmill::job::{Interrupt, Options, run};
use rusqlite::Connection;

use crate::program::{decided, driftmill, on_any_processor, pipeline};

crate::suite::tests! {
    state_directories_of_all_formats_are_opened_and_resumed,
    the_newest_format_has_a_fixture,
    a_newer_format_is_rejected,
    a_damaged_state_is_reported_with_file_table_and_row,
    verify_finds_every_changed_byte_of_the_catalog,
}

/// The formats that can be opened.
const FORMATS: [i64; 5] = [9, 10, 11, 12, 13];

const DAMAGED: i32 = 65;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/application/fixtures")
}

fn pipeline_text() -> String {
    fs::read_to_string(fixtures().join("pipeline.toml")).unwrap()
}

/// A copy of the state directory of a format.
fn fixture(format: i64, folder: &Path) -> PathBuf {
    let archive = fixtures().join(format!("format-{format}.tar.gz"));
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder).status();
    assert!(unpacked.unwrap().success());
    folder.join("state")
}

fn options(state: &Path) -> Options {
    Options { state: Some(state.to_owned()), ..Options::default() }
}

fn format_of(state: &Path) -> i64 {
    let catalog = Connection::open(state.join("catalog.sqlite")).unwrap();
    catalog.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

fn state_directories_of_all_formats_are_opened_and_resumed() {
    let pipeline = pipeline(&pipeline_text());
    let whole = tempfile::tempdir().unwrap();
    let state = whole.path().join("state");
    let wanted = run(pipeline.clone(), &options(&state), &Interrupt::default()).unwrap().summary;
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let state = fixture(format, folder.path());
        // commands that only read do not change the format.
        for (command, arguments, part) in [
            ("decisions", &[][..], "fixture: decided to train"),
            ("lineage", &["--sample", "sea/0/50"][..], "often"),
            ("lineage", &["--version", "1"][..], "100 samples"),
            ("models", &[][..], "warm-up"),
            ("training-set", &["0"][..], "100 of 100"),
        ] {
            let output = driftmill(command, &state, arguments);
            let out = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && out.contains(part), "{command}: {output:?}");
        }
        assert_eq!(format_of(&state), format);
        let ended = run(pipeline.clone(), &options(&state), &Interrupt::default()).unwrap().summary;
        // the fixtures may come from another model of processor.
        let [ended, wanted] = [&ended, &wanted].map(|summary| on_any_processor(decided(summary)));
        assert_eq!(ended, wanted);
        assert_eq!(format_of(&state), *FORMATS.last().unwrap());
        let output = driftmill("verify", &state, &[]);
        assert!(output.status.success(), "{output:?}");
    }
}

fn the_newest_format_has_a_fixture() {
    let format = FORMATS.last().unwrap();
    let path = fixtures().join(format!("format-{format}.tar.gz"));
    if std::env::var_os("DRIFTMILL_WRITE_FIXTURE").is_some() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let job = Command::new(env!("CARGO_BIN_EXE_driftmill"))
            .arg("run")
            .arg(fixtures().join("pipeline.toml"))
            .args([Path::new("--poll"), Path::new("50"), Path::new("--state"), &state])
            // the commit of all policies' states at the end of the stream.
            .env("DRIFTMILL_ABORT", "catalog.committed:9")
            .status();
        assert!(!job.unwrap().success(), "it did not stop at the failpoint");
        drop(Connection::open(state.join("catalog.sqlite")).unwrap().query_row(
            "PRAGMA wal_checkpoint(TRUNCATE)",
            [],
            |_| Ok(()),
        ));
        fs::remove_file(state.join("lock")).unwrap();
        let packed = Command::new("tar")
            .args(["--sparse", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-czf"])
            .arg(&path)
            .arg("-C")
            .args([folder.path(), Path::new("state")])
            .status();
        assert!(packed.unwrap().success());
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(format_of(&fixture(*format, folder.path())), *format);
    // only the catalog's checksums detect a policy state that decodes to a different value.
    assert!(Catalog::view(&folder.path().join("state/catalog.sqlite")).is_ok());
}

fn a_newer_format_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let state = fixture(9, folder.path());
    let catalog = Connection::open(state.join("catalog.sqlite")).unwrap();
    for format in [FORMATS[FORMATS.len() - 1] + 1, FORMATS[0] - 1] {
        catalog.pragma_update(None, "user_version", format).unwrap();
        for command in ["decisions", "lineage", "verify"] {
            let arguments: &[&str] = if command == "lineage" { &["--tainted"] } else { &[] };
            let output = driftmill(command, &state, arguments);
            assert_eq!(output.status.code(), Some(DAMAGED), "{output:?}");
            let said = String::from_utf8_lossy(&output.stderr);
            let [first, .., last] = FORMATS;
            let wanted =
                format!("has format {format}, this program supports formats {first} to {last}");
            assert!(said.contains(&wanted), "{said}");
        }
        let pipeline = pipeline(&pipeline_text());
        let error = run(pipeline, &options(&state), &Interrupt::default()).unwrap_err();
        assert_eq!(i32::from(exit_code(&error)), DAMAGED, "{error:?}");
    }
}

fn a_damaged_state_is_reported_with_file_table_and_row() {
    let text = pipeline_text();
    for (change, table, row) in [
        (
            "UPDATE trigger_checkpoints SET policy = substr(policy, 1, 9) WHERE branch = ''",
            "trigger_checkpoints",
            "branch ``",
        ),
        (
            "UPDATE trigger_checkpoints SET evaluation = zeroblob(7) WHERE branch = 'often'",
            "trigger_checkpoints",
            "branch `often`",
        ),
        (
            "UPDATE selection_checkpoints SET state = zeroblob(length(state)) WHERE trigger = 0",
            "selection_checkpoints",
            "stream 0, trigger 0",
        ),
        ("UPDATE outcomes SET loss = 7 WHERE branch = 'often'", "outcomes", "branch `often`"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let state = fixture(10, folder.path());
        let catalog = Connection::open(state.join("catalog.sqlite")).unwrap();
        assert!(catalog.execute(change, []).unwrap() > 0, "{change}");
        drop(catalog);
        let ended = run(pipeline(&text), &options(&state), &Interrupt::default());
        let error = ended.err().unwrap_or_else(|| panic!("not noticed: {change}"));
        assert_eq!(i32::from(exit_code(&error)), DAMAGED, "{error:?}");
        let said = format!("{error:#}");
        for part in ["catalog.sqlite", table, row] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    // a resumed run does not read all of its past, but `verify` does.
    let folder = tempfile::tempdir().unwrap();
    let state = fixture(10, folder.path());
    let catalog = Connection::open(state.join("catalog.sqlite")).unwrap();
    assert!(catalog.execute("UPDATE decisions SET seed = 7 WHERE trigger = 0", []).unwrap() > 0);
    drop(catalog);
    let output = driftmill("verify", &state, &[]);
    assert_eq!(output.status.code(), Some(DAMAGED), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("decisions"), "{output:?}");
    // a state with a valid checksum that does not decode.
    let folder = tempfile::tempdir().unwrap();
    let state = fixture(10, folder.path());
    let catalog = Connection::open(state.join("catalog.sqlite")).unwrap();
    let version = "UPDATE trigger_checkpoints SET state_version = 2";
    assert!(catalog.execute(version, []).unwrap() > 0);
    drop(catalog);
    let output = driftmill("gc", &state, &[]);
    assert_eq!(output.status.code(), Some(DAMAGED), "{output:?}");
}

/// All tables and rows of a database.
fn contents(path: &Path) -> Option<BTreeMap<String, Vec<String>>> {
    let database = Connection::open(path).ok()?;
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let mut tables = database.prepare(tables).ok()?;
    let names: Vec<String> =
        tables.query_map([], |row| row.get(0)).ok()?.collect::<Result<_, _>>().ok()?;
    let mut contents = BTreeMap::new();
    for name in names.into_iter().chain(["sqlite_schema".to_owned()]) {
        let mut rows = database.prepare(&format!("SELECT * FROM {name}")).ok()?;
        let columns = rows.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let cell = |at| row.get::<_, rusqlite::types::Value>(at);
            (0..columns).map(|at| Ok(format!("{:?}", cell(at)?))).collect::<Result<Vec<_>, _>>()
        };
        let rows = rows.query_map([], row).ok()?;
        let mut rows: Vec<String> =
            rows.map(|row| row.map(|row| row.join(" "))).collect::<Result<_, _>>().ok()?;
        rows.sort();
        contents.insert(name, rows);
    }
    Some(contents)
}

fn verify_finds_every_changed_byte_of_the_catalog() {
    const STEP: usize = 61;
    let folder = tempfile::tempdir().unwrap();
    let state = fixture(10, folder.path());
    let samples = driftmill::store::verify(
        &state.join("log"),
        &Catalog::open(&state.join("catalog.sqlite")).unwrap().segments().unwrap(),
    );
    let samples = samples.unwrap().ids;
    let bytes = fs::read(state.join("catalog.sqlite")).unwrap();
    let whole = contents(&state.join("catalog.sqlite")).unwrap();
    let damaged = folder.path().join("damaged.sqlite");
    let (mut found, mut unused) = (0, 0);
    for at in (0..bytes.len()).step_by(STEP).chain(0..100) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        for end in ["-wal", "-shm"] {
            drop(fs::remove_file(folder.path().join(format!("damaged.sqlite{end}"))));
        }
        fs::write(&damaged, changed).unwrap();
        let problems = Catalog::open(&damaged).and_then(|it| verify(&it, &state, &samples));
        match problems {
            Err(error) => {
                let said = format!("byte {at}: {error:?}");
                assert_eq!(i32::from(exit_code(&error.into())), DAMAGED, "{said}");
                found += 1;
            }
            Ok(health) if health.problems.is_empty() => {
                assert_eq!(contents(&damaged).as_ref(), Some(&whole), "byte {at} is content");
                unused += 1;
            }
            Ok(_) => found += 1,
        }
    }
    assert!(found > 200, "{found} found, {unused} unused");
}
