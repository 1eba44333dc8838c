//! Every file in `pipelines/` is a valid pipeline with the name of its file.

use driftmill::config::load;

use crate::program::{pipeline, run_to_end};

crate::suite::tests! {
    every_pipeline_is_accepted,
    the_quickstart_gives_its_documented_results,
}

fn every_pipeline_is_accepted() {
    let mut count = 0;
    for folder in ["pipelines", "tests/support/pipelines"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let loaded = load(&path.display().to_string(), &text, &[]);
            loaded.unwrap_or_else(|error| panic!("{error}"));
            assert!(folder != "pipelines" || !text.contains("DATA/") && !text.contains("../"));
            count += 1;
        }
    }
    assert!(count >= 9);
}

/// The quickstart without its comparisons. Kernels depend on the features of the processor. The last bits,
/// and with them a trigger or two, may therefore differ between machines.
fn the_quickstart_gives_its_documented_results() {
    let text = std::fs::read_to_string("pipelines/quickstart.toml").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let own = text.split("[compare.").next().unwrap();
    let own = own.replace(".driftmill/models", folder.path().to_str().unwrap());
    let (summary, _state) = run_to_end(&pipeline(&own), 1, 1024);
    assert_eq!((summary.samples, summary.dead_letters), (33_180, 0));
    let offsets: Vec<u64> =
        summary.own.triggers.iter().map(|line| line.trigger.position.offset).collect();
    assert_eq!(offsets[..3], [749, 1499, 2249], "the warm-up");
    assert!(
        (10..=15).contains(&summary.own.versions.len()),
        "{} trainings",
        summary.own.versions.len()
    );
    let year = |time: i64| 1970.0 + time as f64 / 31_556_952_000.0;
    let years = summary.own.triggers.iter().map(|line| year(line.trigger.position.time));
    let in_the_change = years.filter(|year| (1968.0..1978.0).contains(year)).count();
    assert!(in_the_change >= 3, "only {in_the_change} trainings while it changes");
    let results = &summary.own.evaluation.prequential;
    let accuracy = results.total.accuracy.unwrap();
    assert!((0.915..0.935).contains(&accuracy), "{accuracy}");
    let worst = results.intervals.iter().filter(|interval| interval.quality.samples >= 100);
    let worst = worst.map(|interval| interval.quality.accuracy.unwrap()).fold(1.0, f64::min);
    assert!(worst > 0.78, "a year of {worst}");
    // the directory has the same content as the run's own store.
    let last = summary.own.versions.len();
    let published = folder.path().join(format!("portraits/{last}/model.safetensors"));
    assert!(published.exists());
}
