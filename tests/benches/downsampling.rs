//! Accuracy, training time and choice time of each downsampling policy, compared with all data and with
//! uniform choice, on rotating digits and on the electricity market.
//!
//! ```text
//! cargo bench --bench downsampling                          # seeds 0 to 2, half and a tenth
//! cargo bench --bench downsampling -- batch_then_sample     # of each batch
//! cargo bench --bench downsampling -- loss grad_match       # these, compared with uniform
//! ```
//!
//! Accuracy is prequential: each sample is scored by the version that was active before it. Seconds
//! are sums over all trainings of a run. They include the seconds of choosing, and both include the
//! training of irreducible-loss models. A policy beats uniform choice if its mean accuracy over the
//! seeds is higher by more than the standard error of the difference. `rho_loss` always chooses from each
//! batch, for which it is designed.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../support/data.rs"]
#[expect(dead_code, reason = "it is part of the tests, which use all of it")]
mod data;

use std::process::Command;

use driftmill_operators::downsampling::DownsamplingTable;
use serde_json::Value;

const SEEDS: u64 = 3;

/// The pipeline of each stream, without downsampling.
const STREAMS: [(&str, &str); 2] = [
    (
        "rotating digits",
        r#"
        [source.generator.stream.rotating_digits]
        images = "DATA/mnist-t10k-images.idx3.gz"
        labels = "DATA/mnist-t10k-labels.idx1.gz"
        [trigger.amount]
        every = 1250
        [selection.new_data]
        tail = "all"
        limit = 2000
        [model.mlp]
        hidden = [128, 64]
        classes = 10
        [training]
        epochs = 8
        optimizer.adamw.learning_rate = 2e-3
        "#,
    ),
    (
        "electricity",
        r#"
        [source.file]
        path = "DATA/electricity.csv"
        features = ["period", "nswdemand", "vicprice", "vicdemand", "transfer"]
        label = "class"
        start = "1996-05-07"
        step = "30m"
        [trigger.amount]
        every = 2000
        [selection.new_data]
        [model.mlp]
        hidden = [64, 64]
        classes = 2
        [training]
        epochs = 5
        optimizer.adamw.learning_rate = 1e-3
        "#,
    ),
];

/// Accuracy, seconds of training, and the seconds of choosing among them.
#[derive(Clone, Copy)]
struct Outcome([f64; 3]);

fn json(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .args(arguments)
        .arg("--json")
        .output()
        .expect("driftmill runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it answers with JSON")
}

/// Sums over the versions that `arguments` list: seconds of training and seconds of choosing.
fn seconds(arguments: &[&str]) -> [f64; 2] {
    let versions = json(&[&["models"], arguments].concat());
    let sum = |of: &dyn Fn(&Value) -> Option<f64>| -> f64 {
        versions.as_array().into_iter().flatten().filter_map(of).sum()
    };
    let choosing = |version: &Value| version["data"]["trained_samples"]["seconds"].as_f64();
    [sum(&|version| version["training_seconds"].as_f64()), sum(&choosing)]
}

fn run(stream: &str, downsampling: &str, seed: u64) -> Outcome {
    let folder = tempfile::tempdir().expect("there is room for a run");
    let inside = |name: &str| folder.path().join(name).display().to_string();
    let (file, state) = (inside("pipeline.toml"), inside("run"));
    let stream = stream.replace("DATA", &data::file("").display().to_string());
    let text = format!("name = \"compared\"\n{stream}\nseed = {seed}\n{downsampling}");
    // the seed is a key of the table and must be before the dotted key of the optimizer.
    std::fs::write(&file, text).expect("there is room for a pipeline");
    let summary = json(&["run", &file, "--state", &state]);
    let accuracy = summary["evaluation"]["prequential"]["accuracy"].as_f64().expect("an accuracy");
    let [mut training, mut choosing] = seconds(&[&state]);
    for number in ["1", "2"].iter().filter(|_| downsampling.contains("rho_loss")) {
        let [models, _] = seconds(&[&state, "--irreducible", number]);
        (training, choosing) = (training + models, choosing + models);
    }
    Outcome([accuracy, training, choosing])
}

/// Mean and standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

fn row(name: &str, outcomes: &[Outcome], uniform: Option<&[Outcome]>) {
    let column = |outcomes: &[Outcome], index: usize| -> Vec<f64> {
        outcomes.iter().map(|Outcome(values)| values[index]).collect()
    };
    let (accuracy, error) = mean(&column(outcomes, 0));
    let [training, choosing] = [1, 2].map(|index| mean(&column(outcomes, index)).0);
    let against = uniform.map(|uniform| {
        let differences: Vec<f64> = outcomes
            .iter()
            .zip(uniform)
            .map(|(Outcome(ours), Outcome(theirs))| 100.0 * (ours[0] - theirs[0]))
            .collect();
        let (by, error) = mean(&differences);
        let word = match () {
            () if by > error => "beats it",
            () if by < -error => "worse",
            () => "no difference",
        };
        format!("{by:+.2} ± {error:.2}  {word}")
    });
    println!(
        "{name:<20} {:>6.2} ± {:.2}  {training:>8.2} {choosing:>9.2}   {}",
        100.0 * accuracy,
        100.0 * error,
        against.unwrap_or_default()
    );
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let batches = arguments.iter().any(|argument| argument == "batch_then_sample");
    let named = |key: &str| {
        let names: Vec<_> = arguments.iter().filter(|name| *name != "batch_then_sample").collect();
        names.is_empty() || names.iter().any(|name| *name == key)
    };
    for (name, stream) in STREAMS {
        let all = |downsampling: &str| -> Vec<Outcome> {
            (0..SEEDS).map(|seed| run(stream, downsampling, seed)).collect()
        };
        println!("\n{name}: means of {SEEDS} seeds\n");
        println!(
            "policy               accuracy, %     training s  choosing s   against uniform, points"
        );
        row("all data", &all(""), None);
        for ratio in [0.5, 0.1] {
            let table = |key: &str, example: &str| {
                // policies for choices from batches are measured with batches.
                let of_batches = batches || key == "rho_loss";
                let mode = if of_batches { "mode = \"batch_then_sample\"" } else { "" };
                let irreducible = match key {
                    "rho_loss" => "[downsampling.irreducible]\nholdout = \"twin\"\n",
                    _ => "",
                };
                format!(
                    "[downsampling]\nratio = {ratio}\n{mode}\n\
                     [downsampling.policy.{key}]\n{example}\n{irreducible}"
                )
            };
            let uniform = all(&table("uniform", ""));
            row(&format!("uniform {ratio}"), &uniform, None);
            let others = DownsamplingTable::CATALOG
                .iter()
                .filter(|(key, _)| *key != "uniform" && named(key) && !(batches && *key == "rs2"));
            for (key, example) in others {
                row(&format!("{key} {ratio}"), &all(&table(key, example)), Some(&uniform));
            }
        }
    }
}
