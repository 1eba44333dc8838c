//! Versions without this program: numpy computes the same probabilities from the files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::suite::Need;
use crate::toy::{Toy, Waiting, ids, job, model};
use driftmill::model::InputScale;
use driftmill::train::{FeatureStore, Output};
use driftmill_operators::Id;
use serde_json::json;

crate::suite::tests! {
    numpy_computes_the_same_probabilities needs PYTHON,
}

const OPTIONS: &str = "epochs = 2\n[optimizer.adamw]\nlearning_rate = 0.01";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/python/forward.py");

/// A Python with numpy and safetensors, which are downloaded from PyPI once.
const PYTHON: Need = Need {
    name: "Python with numpy and safetensors",
    install: "apt install python3 python3-venv (and a connection to PyPI)",
    missing: || environment().err(),
};

/// The interpreter of the virtual environment, which is created once.
fn environment() -> Result<PathBuf, String> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("forward-venv");
    let python = venv.join("bin/python");
    if !venv.join("ready").exists() {
        run(Path::new("python3"), &["-m", "venv", venv.to_str().unwrap()])?;
        run(&python, &["-m", "pip", "install", "--quiet", "numpy", "safetensors"])?;
        std::fs::write(venv.join("ready"), "").unwrap();
    }
    Ok(python)
}

/// Runs `program`. Returns its output if it fails.
fn run(program: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = || format!("{program:?}: {}{}", text(&output.stdout), text(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(printed()) }
}

/// Writes a trained model, inputs and our outputs for them to `folder`.
fn write(folder: &Path, table: &str, samples: fn() -> Toy) {
    let runtime = Waiting::start(table, OPTIONS, samples());
    let schema = samples().schema().clone();
    let weights = runtime.train(job(100)).expect("training works").weights;
    let rows = runtime.infer(&weights, &ids(20), Output::Probabilities);
    let bytes = |id: Id| (0..schema.width()).map(|index| Toy::byte(id, index)).collect::<Vec<_>>();
    let divisor =
        if matches!(schema.value, driftmill_datasets::ValueType::F32) { 255.0 } else { 1.0 };
    let inputs: Vec<Vec<f32>> = ids(20)
        .into_iter()
        .map(|id| bytes(id).into_iter().map(|byte| f32::from(byte) / divisor).collect())
        .collect();
    let version =
        json!({ "model": model(table), "schema": schema, "input": InputScale::of(&schema) });
    let expected: Vec<&[f32]> = (0..rows.rows()).map(|row| rows.row(row)).collect();
    let scores = runtime.score(&weights, &ids(20));
    let predicted: Vec<u32> = scores.iter().map(|score| score.predicted).collect();
    let cases = json!({ "inputs": inputs, "probabilities": expected, "predicted": predicted });
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let write = |name, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("the file can be written");
    };
    write("model.safetensors", weights.bytes());
    write("version.json", version.to_string().as_bytes());
    write("cases.json", cases.to_string().as_bytes());
}

fn numpy_computes_the_same_probabilities() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let python = environment().unwrap();
    for (index, (table, samples)) in [
        ("[mlp]\nhidden = [16, 8]", Toy::rows as fn() -> Toy),
        ("[mlp]\nhidden = []", Toy::images),
        ("[yearbook_net]\nchannels = [4, 8, 4]", Toy::images),
        ("[yearbook_net]\nchannels = [4, 8]\nhidden = 6\nclasses = 3", Toy::images),
    ]
    .into_iter()
    .enumerate()
    {
        let version = folder.path().join(index.to_string());
        write(&version, table, samples);
        run(&python, &[SCRIPT, version.to_str().unwrap()]).unwrap_or_else(|said| panic!("{said}"));
    }
}
