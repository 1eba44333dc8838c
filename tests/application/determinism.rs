//! Law 1 on generators and files: what is decided and made is a function of the stream and the
//! pipeline, not of workers, batches or timing.
use crate::runs::{decided, pipeline, run_to_end};

const PIPELINE: &str = r#"
name = "test"

[source.generator]
partitions = 4
stream.sea = { length = 6000, seed = 3 }

[trigger.drift]
every = 200
warmup = 600
windows.amount = { reference = 600, current = 300 }
metrics.mmd = { threshold = 0.001 }
metrics.ks = { threshold = 0.06 }

[selection.new_data]
tail = 1
limit = 900
keep = "uniform"

[model.mlp]
hidden = [16]
classes = 2

[training]
seed = 5
epochs = 2
optimizer.adamw = { learning_rate = 1e-2 }

[evaluation]
interval = "20m"

[compare.amount]
trigger.amount = { every = 1500 }
"#;

#[test]
fn workers_and_polls_do_not_matter() {
    let pipeline = pipeline(PIPELINE);
    let (first, _folder) = run_to_end(&pipeline, 1, 1024);
    assert!(first.versions.len() > 2, "{first:?}");
    assert_eq!(first.compare["amount"].versions.len(), 4);
    assert_eq!(first.samples, 6000);
    for (workers, poll) in [(1, 1024), (1, 7), (2, 100), (4, 333)] {
        let (again, _folder) = run_to_end(&pipeline, workers, poll);
        assert_eq!(decided(&first), decided(&again), "{workers} workers, polls of {poll}");
    }
}

#[test]
fn the_seed_matters() {
    let (first, _folder) = run_to_end(&pipeline(PIPELINE), 1, 1024);
    let other = PIPELINE.replace("seed = 5", "seed = 6");
    let (second, _folder) = run_to_end(&pipeline(&other), 1, 1024);
    assert_ne!(first.versions[0].sha256, second.versions[0].sha256);
    assert_eq!(first.versions[0].ids_digest, second.versions[0].ids_digest);
}
