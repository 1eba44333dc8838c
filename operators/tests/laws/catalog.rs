//! Laws of every registered policy. New policies are included automatically.
use crate::host::{Seen, decisions, run, select, selections, stream};
use driftmill_operators::downsampling::DownsamplingTable;
use driftmill_operators::drift::detector::DetectorTable;
use driftmill_operators::drift::metric::MetricTable;
use driftmill_operators::drift::window::WindowTable;
use driftmill_operators::selection::{SelectionConfig, SelectionTable};
use driftmill_operators::trigger::{Cut, Step, TriggerTable};
use driftmill_operators::{Change, Matrix};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn parse<T: DeserializeOwned>(key: &str, table: &str) -> Result<T, toml::de::Error> {
    toml::from_str(&format!("[{key}]\n{table}"))
}

fn conforms<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(
    catalog: &[driftmill_registry::Entry],
) {
    for (key, example) in catalog {
        let parsed: T = parse(key, example).unwrap_or_else(|error| panic!("{key}: {error}"));
        let again: T = toml::from_str(&toml::to_string(&parsed).unwrap()).unwrap();
        assert_eq!(parsed, again, "{key}");
        let error = parse::<T>(key, &format!("{example}\nno_such_key = 1")).unwrap_err();
        assert!(error.to_string().contains("unknown field `no_such_key`"), "{key}: {error}");
    }
}

#[test]
fn examples_parse_and_unknown_keys_are_refused() {
    conforms::<TriggerTable>(TriggerTable::CATALOG);
    conforms::<WindowTable>(WindowTable::CATALOG);
    conforms::<MetricTable>(MetricTable::CATALOG);
    conforms::<DetectorTable>(DetectorTable::CATALOG);
    conforms::<SelectionTable>(SelectionTable::CATALOG);
    conforms::<DownsamplingTable>(DownsamplingTable::CATALOG);
}

/// 6,000 samples, 100 s apart, whose distribution changes in the middle.
fn changes() -> Vec<Change> {
    stream((0..6000).map(|i| i * 100_000))
}

#[test]
fn every_trigger_fires_and_equal_streams_give_equal_decisions() {
    let changes = changes();
    for (key, example) in TriggerTable::CATALOG {
        let table: TriggerTable = parse(key, example).unwrap();
        let [first, second] = [1, 2].map(|_| decisions(&mut *table.init(), &changes, 3000));
        assert_eq!(first, second, "{key}");
        assert!(!first.is_empty(), "{key} never decided");
    }
}

#[test]
fn a_restored_trigger_continues_as_if_never_stopped() {
    let changes = changes();
    for (key, example) in TriggerTable::CATALOG {
        let table: TriggerTable = parse(key, example).unwrap();
        for cut in [0, 1, 249, 250, 999, 1000, 2987, 3001, 5999] {
            let mut first = table.init();
            decisions(&mut *first, &changes[..cut], 3000);
            let mut second = table.init();
            second.load(&first.save()).unwrap();
            let [went_on, restored] =
                [first, second].map(|mut trigger| decisions(&mut *trigger, &changes[cut..], 3000));
            assert_eq!(went_on, restored, "{key} cut at {cut}");
        }
    }
}

#[test]
fn an_evaluation_is_reported_once_with_its_result() {
    let changes = changes();
    for (key, example) in TriggerTable::CATALOG {
        let table: TriggerTable = parse(key, example).unwrap();
        let (mut asked, mut reported) = (0, 0);
        run(&mut *table.init(), &changes, 3000, &mut |_, seen| {
            let (measurement, decided) = match seen {
                Seen::Asked(_) => return asked += 1,
                Seen::Measured(measurement) => (Some(measurement), false),
                Seen::Fired(decision) => (decision.measurement.as_ref(), true),
            };
            let Some(measurement) = measurement else { return };
            reported += 1;
            // these policies evaluate without a question.
            let counts = ["data_incorporation_cost", "class_balance", "ensemble"].contains(key);
            assert!(asked > 0 || counts, "{key}");
            asked = 0;
            assert_eq!(measurement.policy, *key);
            assert_eq!(measurement.scores.iter().any(|score| score.fires), decided, "{key}");
            assert!(measurement.windows.iter().all(|window| window.samples > 0), "{key}");
        });
        assert_eq!(asked, 0, "{key}: a question without a measurement");
        assert!(reported > 0 || key != &"drift");
    }
}

#[test]
fn a_decision_before_a_change_does_not_observe_it() {
    let changes = changes();
    for (key, example) in TriggerTable::CATALOG {
        let table: TriggerTable = parse(key, example).unwrap();
        let [mut asked, mut shown] = [1, 2].map(|_| table.init());
        for change in &changes {
            let before: Vec<_> = std::iter::from_fn(|| asked.before(change)).collect();
            assert!(before.iter().all(|decision| decision.cut == Cut::Before), "{key}");
            for decision in before {
                assert_eq!(shown.observe(change), Step::Fire(decision), "{key}");
            }
            let step = asked.observe(change);
            assert!(!matches!(&step, Step::Fire(found) if found.cut == Cut::Before), "{key}");
            assert_eq!(step, shown.observe(change), "{key}");
        }
    }
}

#[test]
fn garbage_is_not_a_snapshot() {
    for (key, example) in TriggerTable::CATALOG {
        let mut trigger = parse::<TriggerTable>(key, example).unwrap().init();
        assert!(trigger.load(&[]).is_err(), "{key}");
    }
}

#[test]
fn a_restored_selection_continues_as_if_never_stopped() {
    let changes = changes();
    for text in selections() {
        let table: SelectionTable = toml::from_str(&text).unwrap();
        let mut first = table.init();
        changes[..700].iter().for_each(|change| first.observe(change));
        assert!(!select(&table, &mut *first, 0).rows.is_empty(), "{text} chose nothing");
        changes[700..900].iter().for_each(|change| first.observe(change));
        let mut second = table.init();
        second.load(&first.save()).unwrap();
        let [went_on, restored] = [first, second].map(|mut partition| {
            changes[900..1200].iter().for_each(|change| partition.observe(change));
            (select(&table, &mut *partition, 1), partition.propose(2))
        });
        assert_eq!(went_on, restored, "{text}");
        assert!(!went_on.0.rows.is_empty(), "{text} chose nothing");
    }
}

#[test]
fn every_metric_is_small_on_equal_samples_and_large_on_others() {
    let points = |from: usize, shift: f32| {
        // few different values: for some metrics these are categories.
        let value = |i: usize| (((i * 7919 + 13) % 1009) / 252) as f32 / 4.0 + shift;
        Matrix::new(2, (from..from + 600).map(value).collect())
    };
    let (reference, same, other) = (points(0, 0.0), points(5000, 0.0), points(5000, 0.7));
    for (key, example) in MetricTable::CATALOG {
        let table: MetricTable = parse(key, example).unwrap();
        let (_, config) = table.named()[0];
        let mut metric = config.init();
        let [same, other] =
            [&same, &other].map(|current| metric.distance(&reference, current) - config.neutral());
        assert!(other > 3.0 * same.abs(), "{key}: {other} is not far beyond {same}");
        // the order of points does not matter.
        let reversed: Vec<f32> =
            (0..reference.rows()).rev().flat_map(|row| reference.row(row).to_vec()).collect();
        let again = config.init().distance(&Matrix::new(2, reversed), &points(5000, 0.7))
            - config.neutral();
        assert!((again - other).abs() < 1e-4, "{key}: {again} is not {other}");
    }
}

#[test]
fn a_drift_trigger_asks_for_an_unchanged_reference_once() {
    let table: TriggerTable = toml::from_str(
        "[drift]\nevery = 10\nwindows.amount = { reference = 20, current = 10 }\n\
         metrics.ks = { threshold = 0.9 }\non = \"features\"",
    )
    .unwrap();
    let (mut trigger, mut asked) = (table.init(), Vec::new());
    run(&mut *trigger, &stream(0..50), 40, &mut |index, seen| {
        if let Seen::Asked(question) = seen {
            let offsets = question.ids.iter().map(|id| id.offset());
            asked.push((index, offsets.clone().min().unwrap(), offsets.count()));
        }
    });
    // the first interval trains, and the last one finds drift.
    let current = [(19, 0, 10), (19, 10, 10), (29, 20, 10), (39, 30, 10), (49, 40, 10)];
    assert_eq!(asked, current);
}

fn every_metric() -> impl Iterator<Item = (&'static str, MetricTable)> {
    let table = |(key, example): &(&'static str, &str)| (*key, parse(key, example).unwrap());
    MetricTable::CATALOG.iter().map(table)
}

fn distance(table: &MetricTable, reference: &Matrix, current: &Matrix) -> f64 {
    table.named()[0].1.init().distance(reference, current)
}

/// Rows of three columns, the last of them constant.
fn rows(values: &[(f32, f32)]) -> Matrix {
    Matrix::new(3, values.iter().flat_map(|(a, b)| [*a, *b, 1.0]).collect())
}

fn some_rows() -> impl Strategy<Value = Vec<(f32, f32)>> {
    // few different values, so that there are ties.
    let value = (-20i8..20).prop_map(|value| f32::from(value) / 4.0);
    proptest::collection::vec((value, -1.0f32..1.0), 2..40)
}

fn check_units(x: &[(f32, f32)], y: &[(f32, f32)]) {
    for (key, table) in every_metric() {
        let times = match key {
            "mean_distance" => 4.0,
            "energy" => 2.0,
            // the folds depend on the values.
            "domain_classifier" => continue,
            _ => 1.0,
        };
        let scaled = |by: f32| {
            let [x, y] = [x, y].map(|rows_of| {
                let values = rows(rows_of).values().iter().map(|value| value * by).collect();
                Matrix::new(3, values)
            });
            distance(&table, &x, &y)
        };
        let (one, four) = (scaled(1.0), scaled(4.0));
        let error = (four - times * one).abs();
        assert!(error <= 1e-3 * four.abs().max(1.0), "{key}: {one}, of fourfold {four}");
    }
}

#[test]
fn points_without_a_scale_have_no_units_either() {
    let (here, there, near) = ((-1.25, 0.0), (0.0, 0.0), (-1.25, 1e-4));
    // all points of a sample are equal, nearly equal, or mostly equal; one column is constant.
    check_units(&[here; 2], &[there; 2]);
    check_units(&[here; 9], &[here, near, there]);
    check_units(&[here, near], &[there, (0.0, 1.0)]);
    check_units(&[here, here, here, here, there], &[here, near, there, there]);
    check_units(&[here, (-1.25, 1.0), (-1.25, -1.0)], &[there, (-1.0, 0.5), (-1.5, 0.1)]);
}

proptest! {
    #[test]
    fn no_metric_depends_on_the_order_of_rows(
        (x, shuffled) in some_rows().prop_flat_map(|x| (Just(x.clone()), Just(x).prop_shuffle())),
        y in some_rows(),
    ) {
        for (key, table) in every_metric() {
            let [one, other] = [&x, &shuffled].map(|x| distance(&table, &rows(x), &rows(&y)));
            let error = (one - other).abs();
            prop_assert!(error <= 1e-4 * one.abs().max(1.0), "{key}: {one}, shuffled {other}");
        }
    }

    #[test]
    fn distances_depend_on_units_only_where_documented(x in some_rows(), y in some_rows()) {
        check_units(&x, &y);
    }

    #[test]
    fn every_metric_is_neutral_between_a_sample_and_itself(x in some_rows(), y in some_rows()) {
        for (key, table) in every_metric() {
            let [own, other] = [&x, &y].map(|y| distance(&table, &rows(&x), &rows(y)));
            prop_assert!(own.is_finite() && other.is_finite(), "{key}: {own}, {other}");
            // an unbiased estimate is below zero in about half of the cases.
            prop_assert!(own - table.named()[0].1.neutral() < 1e-6, "{key}: {own} of itself");
        }
    }
}
