//! Public data sets, which are not part of the repository.
//!
//! `DRIFTMILL_TEST_DATA` names their folder; by default it is `../shared/data`, seen from the clone.

use std::env;
use std::path::{Path, PathBuf};

/// A file of the folder.
pub(crate) fn file(name: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let clone = package.ancestors().find(|folder| folder.join("Cargo.lock").exists());
    let default = clone.unwrap_or(package).join("../shared/data");
    env::var_os("DRIFTMILL_TEST_DATA").map_or(default, PathBuf::from).join(name)
}

/// The reason why a file of the folder cannot be used.
pub(crate) fn absent(name: &str) -> Option<String> {
    let path = file(name);
    (!path.exists()).then(|| format!("no {}", path.display()))
}
