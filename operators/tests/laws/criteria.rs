//! Thresholds of drift triggers that depend on earlier measurements.

use crate::host::{Seen, decisions, run, stream};
use driftmill_operators::trigger::{Measurement, TriggerTable};
use driftmill_operators::{Change, Kind};
use proptest::prelude::*;

fn trigger(table: &str) -> TriggerTable {
    toml::from_str(&format!(
        "[drift]\nevery = 10\nwindows.amount = {{ reference = 40, current = 10 }}\n{table}"
    ))
    .unwrap()
}

/// Indices of changes and the measurements at them.
fn measurements(table: &str, samples: i64, after: u64) -> Vec<(usize, Measurement)> {
    let mut measurements = Vec::new();
    run(&mut *trigger(table).init(), &stream(0..samples), after, &mut |index, seen| match seen {
        Seen::Measured(measurement) => measurements.push((index, measurement.clone())),
        Seen::Fired(decision) => measurements
            .extend(decision.measurement.clone().map(|measurement| (index, measurement))),
        Seen::Asked(_) => {}
    });
    measurements
}

const QUANTILE: &str = "metrics.ks.threshold = { quantile = 1.0, of = 4 }";

#[test]
fn a_first_comparison_without_history_does_not_fire() {
    let measurements = measurements(QUANTILE, 200, 100);
    let (index, first) = &measurements[0];
    assert_eq!((*index, first.scores[0].threshold, first.scores[0].fires), (19, None, false));
    // the second value is compared with the first, and so on.
    let values: Vec<f64> =
        measurements.iter().map(|(_, measurement)| measurement.scores[0].value).collect();
    for (number, (_, measurement)) in measurements.iter().enumerate().skip(1) {
        let last = &values[number.saturating_sub(4)..number];
        let most = last.iter().copied().fold(0.0, f64::max);
        assert_eq!(measurement.scores[0].threshold, Some(most), "measurement {number}");
        assert_eq!(measurement.scores[0].fires, values[number] > most);
    }
    assert!(
        measurements
            .iter()
            .any(|(index, measurement)| *index == 109 && measurement.scores[0].fires)
    );
}

#[test]
fn a_warm_up_fills_the_history() {
    let measurements = measurements(&format!("warmup = 60\n{QUANTILE}"), 120, 100);
    let (index, first) = &measurements[0];
    // the references of the warm-up before its last interval, compared with that interval.
    assert_eq!((*index, first.members.len()), (69, 4));
    let calibrated: Vec<f64> =
        first.members.iter().map(|measurement| measurement.scores[0].value).collect();
    let most = calibrated.iter().copied().fold(0.0, f64::max);
    assert_eq!(first.scores[0].threshold, Some(most));
    for (number, member) in first.members.iter().enumerate() {
        let [reference, current] = &member.windows[..] else { panic!("two windows") };
        assert_eq!((current.first_time, current.last_time), (Some(50), Some(59)));
        assert_eq!(reference.last_time, Some(10 * number as i64 + 19));
        assert_eq!(reference.samples, (10 * number as u64 + 20).min(40));
        assert!(!member.scores[0].fires);
    }
    assert!(measurements[1..].iter().all(|(_, measurement)| measurement.members.is_empty()));
}

#[test]
fn retracted_samples_make_the_last_interval_longer() {
    let mut changes = stream(0..120);
    let taken = changes[52].record;
    let back = (0..12).map(|i| Change {
        at: changes[55].at,
        ..Change::new(Kind::Retract, changes[44 + i].record)
    });
    let back: Vec<Change> = back.collect();
    changes.splice(56..56, back);
    let table = format!("warmup = 60\n{QUANTILE}");
    let mut trigger = trigger(&table).init();
    let mut first = None;
    run(&mut *trigger, &changes, u64::MAX, &mut |index, seen| {
        let measurement = match seen {
            Seen::Measured(measurement) => Some(measurement.clone()),
            Seen::Fired(decision) => decision.measurement.clone(),
            Seen::Asked(_) => None,
        };
        first = first.take().or(measurement.map(|measurement| (index, measurement)));
    });
    // six samples of the interval were retracted: 66 samples were seen when it was complete.
    let (index, measurement) = first.unwrap();
    assert_eq!((index - 12, measurement.members.len()), (75, 4));
    assert_eq!(measurement.members[3].windows[1].samples, 10);
    let mut held = Vec::new();
    trigger.retained_samples(&mut |id| held.push(id));
    assert!(!held.contains(&taken.id()));
}

#[test]
fn a_model_of_the_warm_up_calibrates_before_it_compares() {
    let table = format!("warmup = 60\nwarmup_trigger.amount = {{ every = 40 }}\n{QUANTILE}");
    let measurements = measurements(&table, 120, 100);
    // the last interval of the warm-up is itself evaluated.
    let (index, first) = &measurements[0];
    assert_eq!((*index, first.members.len()), (59, 3));
}

#[test]
fn invalid_thresholds_are_refused() {
    for (table, problem) in [
        ("metrics.ks.threshold = { below_average = 0.1, of = 3 }", "use above_average"),
        ("metrics.ks.threshold = { quantile = 1.5, of = 3 }", "between 0 and 1"),
        ("metrics.ks.threshold = { p_value = 0.0 }", "above 0 and at most 1"),
        ("metrics.ks.threshold = inf", "finite"),
        ("metrics.mmd.threshold = { p_value = 0.01, permutations = 99 }", "no p-value is below"),
        ("metrics.ks.threshold = 1\naggregate = { at_least = 2 }", "2 of 1"),
        ("metrics.domain_classifier = { threshold = 1, folds = 1 }", "one part"),
        (
            "metrics.drifted_ratio.threshold = 1\n\
             metrics.drifted_ratio.of.ks.threshold = { quantile = 0.9, of = 2 }",
            "a dimension has no history",
        ),
    ] {
        let problems = trigger(table).check();
        let found = problems.iter().any(|(_, text)| text.contains(problem));
        assert!(found, "{table}: {problems:?}");
    }
    let error = toml::from_str::<TriggerTable>(
        "[drift]\nevery = 1\nwindows.amount = { reference = 1, current = 1 }\n\
         metrics.ks.threshold = { quantil = 0.9 }",
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("wanted a number, { quantile"), "{error}");
}

const TABLES: [&str; 6] = [
    QUANTILE,
    "warmup = 45\nmetrics.mmd.threshold = { above_average = 0.5, of = 3 }\n\
     metrics.ks.threshold = { quantile = 0.5, of = 10 }\naggregate = \"all\"",
    "warmup = 60\nwarmup_trigger.amount = { every = 40 }\nsample_size = 15\n\
     metrics.energy.threshold = { above_average = 0.2, of = 5, relative = false }",
    "metrics.mmd.threshold = { p_value = 0.1, permutations = 19, seed = 3 }\nsample_size = 9",
    "pca = 1\nmetrics.ks.threshold = { p_value = 0.01, correction = \"fdr\" }\n\
     metrics.wasserstein.threshold = 0.9\naggregate = { at_least = 2 }",
    "pca = 2\nmetrics.lsdd.threshold = 0.1\nmetrics.domain_classifier.threshold = 0.9\n\
     metrics.mmd = { threshold = 0.2, estimate = \"linear\" }\naggregate = \"majority\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_restored_trigger_evaluates_as_if_never_stopped(
        table in prop::sample::select(TABLES.to_vec()),
        cut in 0usize..300,
        after in 0u64..300,
    ) {
        let changes = stream(0..300);
        let mut first = trigger(table).init();
        decisions(&mut *first, &changes[..cut], after);
        let mut second = trigger(table).init();
        second.load(&first.save()).unwrap();
        let [went_on, restored] = [first, second].map(|mut trigger| {
            let mut measurements = Vec::new();
            run(&mut *trigger, &changes[cut..], after, &mut |index, seen| match seen {
                Seen::Measured(measurement) => measurements.push((index, measurement.clone(), None)),
                Seen::Fired(decision) => {
                    let measurement = decision.measurement.clone().unwrap_or_default();
                    measurements.push((index, measurement, Some(decision.reason.clone())));
                }
                Seen::Asked(_) => {}
            });
            measurements
        });
        prop_assert_eq!(went_on, restored);
    }
}
