//! Running pipelines inside the test's process.

use std::path::PathBuf;

use driftmill::config::{Pipeline, load};
use driftmill::job::{Interrupt, Options, run};
use driftmill::report::Summary;

/// The pipeline in `text`.
pub(crate) fn pipeline(text: &str) -> Pipeline {
    load("test.toml", text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a pipeline to its end in a state directory of its own.
pub(crate) fn run_to_end(
    pipeline: &Pipeline,
    workers: usize,
    poll: usize,
) -> (Summary, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(PathBuf::from(folder.path()).join("state"));
    let options = Options { workers, state, poll, progress: false };
    let ended = run(pipeline.clone(), &options, &Interrupt::default());
    (ended.unwrap_or_else(|error| panic!("{error:?}")).summary, folder)
}

/// What of a summary is a function of the stream and the pipeline alone.
pub(crate) fn decided(summary: &Summary) -> serde_json::Value {
    let mut value = serde_json::to_value(summary).unwrap();
    let forget = |value: &mut serde_json::Value, keys: &[&str]| {
        keys.iter().for_each(|key| drop(value.as_object_mut().unwrap().remove(*key)));
    };
    forget(&mut value, &["run", "state", "seconds"]);
    let versions = |value: &mut serde_json::Value| {
        for version in value["versions"].as_array_mut().unwrap() {
            forget(version, &["training_seconds"]);
        }
    };
    versions(&mut value);
    if let Some(compared) = value.get_mut("compare").and_then(|value| value.as_object_mut()) {
        compared.values_mut().for_each(versions);
    }
    value
}
