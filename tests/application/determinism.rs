//! Law 1 on generators and files: what is decided and made is a function of the stream and the
//! pipeline, not of workers, batches or timing.
use crate::program::{decided, pipeline, run_to_end};

crate::suite::tests! {
    workers_and_polls_do_not_matter,
    the_seed_matters,
    a_million_old_samples_stall_nothing,
}

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

[shadow.predictions.trigger.drift]
every = 200
warmup = 600
on = "predictions"
windows.amount = { reference = 600, current = 300 }
metrics.ks = { threshold = 0.06 }

[shadow.time]
trigger.time = { every = "20m" }
"#;

fn workers_and_polls_do_not_matter() {
    let pipeline = pipeline(PIPELINE);
    let (first, _folder) = run_to_end(&pipeline, 1, 1024);
    assert!(first.versions.len() > 2, "{first:?}");
    assert_eq!(first.compare["amount"].versions.len(), 4);
    assert_eq!(first.samples, 6000);
    assert_eq!(first.shadow["time"].last_decisions.len(), 4);
    assert!(first.shadow["predictions"].last_decisions.len() > 1, "{first:?}");
    for (workers, poll) in [(1, 1024), (1, 7), (2, 100), (4, 333)] {
        let (again, _folder) = run_to_end(&pipeline, workers, poll);
        assert_eq!(decided(&first), decided(&again), "{workers} workers, polls of {poll}");
    }
}

fn the_seed_matters() {
    let (first, _folder) = run_to_end(&pipeline(PIPELINE), 1, 1024);
    let other = PIPELINE.replace("seed = 5", "seed = 6");
    let (second, _folder) = run_to_end(&pipeline(&other), 1, 1024);
    assert_ne!(first.versions[0].sha256, second.versions[0].sha256);
    assert_eq!(first.versions[0].ids_digest, second.versions[0].ids_digest);
}

/// A backfill: after one new sample a million old ones, all late, all admitted where their partition
/// is. Nothing waits for them and nothing is lost.
fn a_million_old_samples_stall_nothing() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backfill.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "at,a,c\n1000000000,0.5,1").unwrap();
    for i in 0..1_000_000 {
        writeln!(file, "{},0.25,{}", i * 7 % 999_999, i % 2).unwrap();
    }
    file.into_inner().unwrap();
    let text = format!(
        "name = \"backfill\"
        source.file = {{ path = {path:?}, features = [\"a\"], label = \"c\", time = \"at\" }}
        order.max_buffered = 10000
        trigger.amount.every = 400000
        selection.new_data.limit = 100
        model.mlp.hidden = [2]
        training = {{}}"
    );
    let (summary, _state) = run_to_end(&pipeline(&text), 2, 4096);
    assert_eq!((summary.samples, summary.late, summary.triggers.len()), (1_000_001, 1_000_000, 2));
    assert_eq!(summary.triggers[1].position.offset, 799_999);
    assert_eq!(summary.triggers[1].position.time, 1_000_000_000);
}
