//! Times of the same computations in Python.

use std::collections::BTreeMap;
use std::process::Command;

/// Runs a script of the `benches` folder with the Python in `DRIFTMILL_PYTHON`, and returns the seconds
/// that it measured, by name. Without this variable the result is empty.
pub(crate) fn python(script: &str) -> BTreeMap<String, f64> {
    let Some(python) = std::env::var_os("DRIFTMILL_PYTHON") else { return BTreeMap::new() };
    let script = format!("{}/benches/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python).arg(script).output().expect("the named Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("times by name")
}
