//! Every file in `pipelines/` is a pipeline, and its name is its file's.

use driftmill::config::load;

#[test]
fn every_pipeline_is_accepted() {
    let mut count = 0;
    for entry in std::fs::read_dir("pipelines").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let loaded = load(&path.display().to_string(), &text, &[]);
        loaded.unwrap_or_else(|error| panic!("{error}"));
        count += 1;
    }
    assert!(count >= 5);
}
