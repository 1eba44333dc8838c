//! P-values without drift: small p-values are not more frequent than they should be.

use driftmill_operators::Matrix;
use driftmill_operators::drift::metric::MetricTable;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

const TRIALS: usize = 200;

/// Thresholds of all metrics that use p-values with few permutations, and two of their options.
fn tables() -> Vec<(String, MetricTable)> {
    let chance = "threshold = { p_value = 0.06, permutations = 19 }";
    let keys = MetricTable::CATALOG.iter().map(|(key, _)| match *key {
        "drifted_ratio" => format!("[drifted_ratio]\n{chance}\nof.ks = {{ threshold = 0.3 }}"),
        key => format!("[{key}]\n{chance}"),
    });
    let linear = format!("[mmd]\nestimate = \"linear\"\n{chance}");
    keys.chain([linear]).map(|text| (text.clone(), toml::from_str(&text).unwrap())).collect()
}

/// Two columns: few categories, for metrics that need them, or a continuum.
fn points(random: &mut Pcg64, rows: usize, categories: bool) -> Matrix {
    let value = |random: &mut Pcg64| {
        let value: f32 = random.random();
        if categories { (value * 2.0).floor() } else { value * value }
    };
    Matrix::new(1, (0..rows).map(|_| value(random)).collect())
}

#[test]
fn p_values_without_drift_are_spread_evenly() {
    for (text, table) in tables() {
        let (key, config) = table.named()[0];
        let mut metric = config.init();
        let mut random = Pcg64::seed_from_u64(7);
        let categories = matches!(key, "chi_squared" | "fisher");
        let p_value = |_| {
            let (x, y) = (points(&mut random, 40, categories), points(&mut random, 30, categories));
            metric.test(&x, &y, config.threshold().significance().unwrap()).p_values[0]
        };
        let p_values: Vec<f64> = (0..TRIALS).map(p_value).collect();
        assert!(p_values.iter().all(|p| (0.0..=1.0).contains(p)), "{text}");
        // random deviations of 5 standard deviations; discrete p-values stay below their bound.
        for limit in [0.1, 0.25, 0.5] {
            let share = p_values.iter().filter(|p| **p <= limit).count() as f64 / TRIALS as f64;
            let spread = 4.0 * (limit * (1.0 - limit) / TRIALS as f64).sqrt();
            assert!(share <= limit + spread, "{text}: {share} of p-values up to {limit}");
        }
        let share = p_values.iter().filter(|p| **p <= 0.5).count() as f64 / TRIALS as f64;
        // with one dimension, the share of drifting dimensions is nearly always 0.
        assert!(
            share > 0.2 || key == "drifted_ratio",
            "{text}: only {share} of p-values up to a half"
        );
    }
}

#[test]
fn p_values_are_small_for_drift() {
    for (text, table) in tables() {
        let (key, config) = table.named()[0];
        let mut random = Pcg64::seed_from_u64(8);
        let categories = matches!(key, "chi_squared" | "fisher");
        let x = points(&mut random, 60, categories);
        let shift = |value: &f32| if categories { 0.0 } else { value + 0.6 };
        let y = points(&mut random, 60, categories).values().iter().map(shift).collect();
        let chance = config.threshold().significance().unwrap();
        let p_value = config.init().test(&x, &Matrix::new(1, y), chance).p_values[0];
        assert!(p_value < 0.06, "{text}: {p_value}");
    }
}

#[test]
fn tests_give_numbers_for_the_smallest_samples() {
    let samples = [
        Matrix::new(2, vec![1.0, 0.1]),
        Matrix::new(2, vec![1.0, 0.1, 1.0, 0.1, 1.0, 0.1]),
        Matrix::new(2, vec![0.0, 0.1, 5.0, 0.1]),
    ];
    for (text, table) in tables() {
        let (_, config) = table.named()[0];
        for x in &samples {
            for y in &samples {
                let tested = config.init().test(x, y, config.threshold().significance().unwrap());
                let fine = |p: &f64| (0.0..=1.0).contains(p);
                assert!(tested.p_values.iter().all(fine), "{text}: {tested:?}");
                assert!(tested.value.is_finite(), "{text}: {tested:?} of {x:?} and {y:?}");
                assert!(config.init().distance(x, y).is_finite(), "{text}");
            }
        }
    }
}
