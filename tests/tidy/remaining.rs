//! A ratchet: files that still break a rule are listed, and the list may only shrink.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use parking_lot::Mutex;

/// The list: a line `rule: path` for each file.
const LIST: &str = "tests/tidy/remaining.txt";

static WRITING: Mutex<()> = Mutex::new(());

/// Compares the files that break a rule with those that are listed for it.
///
/// `DRIFTMILL_WRITE_REMAINING=1` rewrites the lines of the rule, after files moved or were corrected.
pub(crate) fn check(rule: &str, files: Vec<PathBuf>, breaks: impl Fn(&str, &str) -> bool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = root.join(LIST);
    let mut found = BTreeSet::new();
    for file in files {
        let path = file.strip_prefix(root).unwrap().display().to_string();
        if breaks(&path, &fs::read_to_string(&file).unwrap()) {
            found.insert(path);
        }
    }
    // tests that check rules run at the same time.
    let _alone = WRITING.lock();
    let text = fs::read_to_string(&list).unwrap_or_default();
    let prefix = format!("{rule}: ");
    let listed: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect();
    if env::var_os("DRIFTMILL_WRITE_REMAINING").is_some() {
        let others = text.lines().filter(|line| !line.starts_with(&prefix)).map(str::to_owned);
        let mut lines: Vec<String> = others.collect();
        lines.extend(found.iter().map(|path| format!("{prefix}{path}")));
        lines.sort();
        fs::write(list, lines.join("\n") + "\n").unwrap();
        return;
    }
    let new: Vec<&String> = found.difference(&listed).collect();
    assert!(new.is_empty(), "{rule} in {new:#?}");
    let done: Vec<&String> = listed.difference(&found).collect();
    assert!(done.is_empty(), "take these lines of `{rule}` from {LIST}: {done:#?}");
}
