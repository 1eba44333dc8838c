//! Pipelines of tests: a test writes the keys that it is about, the others have small defaults.

use toml::Table;

/// The tables of a pipeline that trains a small network on new samples.
const DEFAULTS: &str = "
    selection.new_data = {}
    model.mlp.hidden = [2]
    training = {}";

/// The codec of messages with one feature and a class.
const CODEC: &str = r#"codec.json = { features = ["a"], label = "c" }"#;

/// Compares windows of samples of four partitions, and has a comparison.
pub(crate) const DRIFT_JOB: &str = r#"
    name = "drift"
    source.generator = { partitions = 4, stream.sea = { length = 6000, seed = 3 } }
    selection.new_data = { tail = 1, limit = 900, keep = "uniform" }
    model.mlp = { hidden = [16], classes = 2 }
    training = { seed = 5, epochs = 2, optimizer.adamw.learning_rate = 1e-2 }
    evaluation.interval = "20m"
    compare.amount.trigger.amount.every = 1500

    [trigger.drift]
    every = 200
    warmup = 600
    windows.amount = { reference = 600, current = 300 }
    metrics.mmd = { threshold = 0.001 }
    metrics.ks = { threshold = 0.06 }
"#;

/// The pipeline file `text`, with defaults for the tables that it lacks.
pub(crate) fn small_job(text: &str) -> String {
    let mut job: Table = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut defaults: Table = DEFAULTS.parse().unwrap();
    if job["source"].get("kafka").is_some() {
        defaults.extend(CODEC.parse::<Table>().unwrap());
    }
    for (table, keys) in defaults {
        job.entry(table).or_insert(keys);
    }
    job.to_string()
}

/// A pipeline over 4,000 samples, with short trainings, and with the keys in `more`.
pub(crate) fn sea_job(name: &str, more: &str) -> String {
    small_job(&format!(
        "name = \"{name}\"
        source.generator.stream.sea = {{ length = 4000, seed = 1 }}
        model.mlp = {{ hidden = [8], classes = 2 }}
        training = {{ epochs = 1, seed = 2 }}
        {more}"
    ))
}

/// A pipeline over 20,000 samples of which each training reads some from the beginning on, with the
/// keys in `more`.
pub(crate) fn long_job(name: &str, more: &str) -> String {
    small_job(&format!(
        "name = \"{name}\"
        source.generator.stream.sea = {{ length = 20000, step_ms = 10 }}
        selection.new_data = {{ tail = \"all\", limit = 500, keep = \"uniform\" }}
        model.mlp = {{ hidden = [4], classes = 2 }}
        {more}"
    ))
}
