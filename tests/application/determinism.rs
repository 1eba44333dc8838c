//! Law 1 on generators and files: decisions and versions are a function of the stream and the pipeline.
//! They do not depend on workers, batches or timing.
use crate::program::{decided, pipeline, run_to_end};
use crate::small_job::{DRIFT_JOB, small_job};

crate::suite::tests! {
    results_do_not_depend_on_workers_and_polls,
    results_depend_on_the_seed,
    a_million_old_samples_do_not_stall_the_job,
}

const SHADOWS: &str = r#"
[shadow.predictions.trigger.drift]
every = 200
warmup = 600
on = "predictions"
windows.amount = { reference = 600, current = 300 }
metrics.ks = { threshold = 0.06 }

[shadow.time]
trigger.time = { every = "20m" }
"#;

fn results_do_not_depend_on_workers_and_polls() {
    let pipeline = pipeline(&format!("{DRIFT_JOB}{SHADOWS}"));
    let (first, _folder) = run_to_end(&pipeline, 1, 1024);
    assert!(first.own.versions.len() > 2, "{first:?}");
    assert_eq!(first.compare["amount"].versions.len(), 4);
    assert_eq!(first.samples, 6000);
    assert_eq!(first.shadow["time"].last_decisions.len(), 4);
    assert!(first.shadow["predictions"].last_decisions.len() > 1, "{first:?}");
    for (workers, poll) in [(1, 1024), (1, 7), (2, 100), (4, 333)] {
        let (again, _folder) = run_to_end(&pipeline, workers, poll);
        assert_eq!(decided(&first), decided(&again), "{workers} workers, polls of {poll}");
    }
}

fn results_depend_on_the_seed() {
    let (first, _folder) = run_to_end(&pipeline(DRIFT_JOB), 1, 1024);
    let other = DRIFT_JOB.replace("seed = 5", "seed = 6");
    let (second, _folder) = run_to_end(&pipeline(&other), 1, 1024);
    assert_ne!(first.own.versions[0].sha256, second.own.versions[0].sha256);
    assert_eq!(first.own.versions[0].ids_digest, second.own.versions[0].ids_digest);
}

/// A backfill: after one new sample, a million old ones arrive late. Each is admitted at the current
/// position of its partition. Nothing waits for them, and nothing is lost.
fn a_million_old_samples_do_not_stall_the_job() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backfill.csv");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    writeln!(file, "at,a,c\n1000000000,0.5,1").unwrap();
    for i in 0..1_000_000 {
        writeln!(file, "{},0.25,{}", i * 7 % 999_999, i % 2).unwrap();
    }
    file.into_inner().unwrap();
    let text = small_job(&format!(
        "name = \"backfill\"
        source.file = {{ path = {path:?}, features = [\"a\"], label = \"c\", time = \"at\" }}
        order = {{ max_buffered = 10000, max_ahead = \"3650d\" }}
        trigger.amount.every = 400000
        selection.new_data.limit = 100"
    ));
    let (summary, _state) = run_to_end(&pipeline(&text), 2, 4096);
    assert_eq!(
        (summary.samples, summary.late, summary.own.triggers.len()),
        (1_000_001, 1_000_000, 2)
    );
    assert_eq!(summary.own.triggers[1].trigger.position.offset, 799_999);
    assert_eq!(summary.own.triggers[1].trigger.position.time, 1_000_000_000);
}
