//! A Python environment with the compared libraries.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The interpreter of an environment with PyTorch, numpy and confluent-kafka: `$PEER_PYTHON`, or one that
/// is created here, which takes some minutes once.
pub(crate) fn python() -> PathBuf {
    if let Some(python) = std::env::var_os("PEER_PYTHON") {
        return python.into();
    }
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let python = venv.join("bin/python");
    if !venv.join("ready").exists() {
        let run = |command: &mut Command| {
            assert!(command.status().expect("the command starts").success(), "{command:?}");
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        let install = ["-m", "pip", "install", "--quiet"];
        let packages = ["torch", "numpy", "confluent-kafka"];
        run(Command::new(&python).args(install).args(packages));
        std::fs::write(venv.join("ready"), "").expect("the environment can be marked");
    }
    python
}

/// The output of a script in this folder: one JSON value.
pub(crate) fn run(python: &Path, script: &str, arguments: &[&str]) -> serde_json::Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/benches").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

/// The median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
