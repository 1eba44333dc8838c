//! Tests of the architecture.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the tree has failed")]

mod modules;
mod syntax;
mod words;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Crates that `operators` must not depend on, because it has no access to the outside world.
const OUTSIDE: &[&str] =
    &["burn", "rdkafka", "tokio", "rusqlite", "driftmill-datasets", "driftmill", "chrono"];

/// Maximum number of lines of a file.
const MAX_LINES: usize = 300;

/// The folders of `src`, top first. Each may use only those below it.
const LAYERS: &[&[&str]] = &[
    &["cli", "guide"],
    &["calibrate"],
    &["history", "job"],
    &["report"],
    &["config"],
    &["dead_letters"],
    &["sink"],
    &["retention"],
    &["catalog", "train"],
    &["model", "source", "store", "console", "evaluate", "cluster"],
    &["kafka"],
    &["atomic_write", "failpoint", "outage", "panics"],
];

/// The entries of the repository root, except dot-files.
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "datasets",
    "operators",
    "pipelines",
    "src",
    "tests",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if entry.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&entry, found);
            } else if entry.is_file() {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found);
    found.retain(|file| file.extension().is_some_and(|found| found == extension));
    found.sort();
    found
}

#[test]
fn operators_are_pure() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "-p",
            "driftmill-operators",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.starts_with("driftmill-operators"), "cargo tree failed");
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap();
        assert!(!OUTSIDE.contains(&name), "operators must not depend on {name}");
    }
    for file in files(&root().join("operators/src"), "rs") {
        let text = fs::read_to_string(&file).unwrap();
        for outside in ["std::fs", "std::net", "std::time", "std::thread", "std::env"] {
            assert!(!text.contains(outside), "{} uses {outside}", file.display());
        }
    }
}

/// The floor and the folder of a file below `src`.
fn floor(file: &str) -> Option<(usize, &str)> {
    let folder = file.split('/').next()?;
    LAYERS.iter().position(|layers| layers.contains(&folder)).map(|floor| (floor, folder))
}

#[test]
fn layers_point_down() {
    let listed: BTreeSet<_> = LAYERS.iter().copied().flatten().map(|l| (*l).to_owned()).collect();
    let folders = fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap().path());
    let found = folders
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    assert_eq!(listed, found.collect(), "src has folders without a layer");
    for (file, used) in modules::uses(&root().join("src")) {
        let Some((top, folder)) = floor(&file) else { continue };
        for used in &used {
            let below = floor(used).is_some_and(|(floor, other)| floor > top || other == folder);
            assert!(below, "{file} uses {used}");
        }
    }
}

#[test]
fn files_do_not_use_each_other_in_cycles() {
    for crate_root in ["src", "operators/src", "datasets/src", "operators/registry/src"] {
        let uses = modules::uses(&root().join(crate_root));
        let cycles = modules::cycles(&uses);
        assert!(cycles.is_empty(), "cycles in {crate_root}: {cycles:#?}");
    }
}

#[test]
fn files_are_short() {
    for file in files(root(), "rs") {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", file.display());
    }
}

/// Checks that no file breaks a rule.
fn none(rule: &str, files: Vec<PathBuf>, breaks: impl Fn(&str, &str) -> bool) {
    for file in files {
        let path = file.strip_prefix(root()).unwrap().display().to_string();
        assert!(!breaks(&path, &fs::read_to_string(&file).unwrap()), "{rule} in {path}");
    }
}

#[test]
fn files_open_with_a_sentence() {
    none("no opening sentence", files(root(), "rs"), |_, text| {
        let mut lines = text.lines().skip_while(|line| line.starts_with("#!["));
        !lines.next().is_some_and(|line| line.starts_with("//! "))
    });
}

#[test]
fn parameters_are_not_tuples() {
    none("tuple parameter", files(root(), "rs"), |_, text| {
        syntax::tricks(text).tuple_parameters > 0
    });
}

#[test]
fn clones_are_not_made_by_mapping_units() {
    none("mapped units", files(root(), "rs"), |_, text| syntax::tricks(text).mapped_units > 0);
}

#[test]
fn conditions_are_not_matched() {
    none("matched condition", files(root(), "rs"), |_, text| {
        syntax::tricks(text).matched_conditions > 0
    });
}

#[test]
fn words_are_those_of_the_glossary() {
    for extension in ["rs", "md", "toml", "sql", "py", "svg"] {
        none("wrong word", files(root(), extension), |path, text| {
            words::wrong(path, text).is_some()
        });
    }
}

#[test]
fn files_are_formatted() {
    // `cargo fmt` skips files that the registry macros declare, so list them all.
    let status = Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .args(files(root(), "rs"))
        .current_dir(root())
        .status()
        .unwrap();
    assert!(status.success(), "run: rustfmt $(git ls-files '*.rs')");
}

#[test]
fn the_top_level_is_as_given() {
    let visible: BTreeSet<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    assert_eq!(visible, TOP.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() {
    for file in files(root(), "rs") {
        let text = fs::read_to_string(&file).unwrap();
        let allows = [["#[", "allow("].concat(), ["#![", "allow("].concat()];
        for allow in allows {
            assert!(!text.contains(&allow), "{} allows a lint", file.display());
        }
    }
}
