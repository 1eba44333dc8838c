//! Every file in `pipelines/` is a pipeline, and its name is its file's.

use driftmill::config::load;

use crate::program::{pipeline, run_to_end};

crate::suite::tests! {
    every_pipeline_is_accepted,
    the_quickstart_tells_its_story,
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

/// The quickstart without the policies it is compared with. Kernels are chosen by the processor's
/// features, so the last bits, and with them a trigger or two, may differ between machines.
fn the_quickstart_tells_its_story() {
    let text = std::fs::read_to_string("pipelines/quickstart.toml").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let own = text.split("[compare.").next().unwrap();
    let own = own.replace(".driftmill/models", folder.path().to_str().unwrap());
    let (summary, _state) = run_to_end(&pipeline(&own), 1, 1024);
    assert_eq!((summary.samples, summary.dead_letters), (33_180, 0));
    let offsets: Vec<u64> = summary.triggers.iter().map(|line| line.position.offset).collect();
    assert_eq!(offsets[..3], [749, 1499, 2249], "the warm-up");
    assert!((10..=15).contains(&summary.versions.len()), "{} trainings", summary.versions.len());
    let year = |time: i64| 1970.0 + time as f64 / 31_556_952_000.0;
    let years = summary.triggers.iter().map(|line| year(line.position.time));
    let in_the_change = years.filter(|year| (1968.0..1978.0).contains(year)).count();
    assert!(in_the_change >= 3, "only {in_the_change} trainings while it changes");
    let results = &summary.evaluation.prequential;
    let accuracy = results.accuracy.unwrap();
    assert!((0.915..0.935).contains(&accuracy), "{accuracy}");
    let worst = results.intervals.iter().filter(|interval| interval.samples >= 100);
    let worst = worst.map(|interval| interval.accuracy.unwrap()).fold(1.0, f64::min);
    assert!(worst > 0.78, "a year of {worst}");
    // the directory has what the run's own store has.
    let last = summary.versions.len();
    let published = folder.path().join(format!("portraits/{last}/model.safetensors"));
    assert!(published.exists());
}
