//! Agreement of distances and p-values with SciPy, NumPy and scikit-learn on the same numbers. The
//! scripts in `tests/references` wrote the expected results.

use std::collections::BTreeMap;

use driftmill_operators::Matrix;
use driftmill_operators::drift::metric::{MetricTable, Tested};
use driftmill_operators::drift::{Components, Logistic, roc_auc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Both programs compute in 64 bits, on the same 32-bit values, in a different order.
const TOLERANCE: f64 = 1e-9;

/// The cases of a file that a script in `tests/references` wrote.
pub(crate) fn cases<C: DeserializeOwned>(json: &str) -> Vec<C> {
    #[derive(Deserialize)]
    struct Reference<C> {
        cases: Vec<C>,
    }

    serde_json::from_str::<Reference<C>>(json).unwrap().cases
}

/// Two samples, and the distances or p-values that SciPy found by the key of the metric.
#[derive(Deserialize)]
struct Case {
    reference: Sample,
    current: Sample,
    #[serde(alias = "distances", alias = "p_values")]
    wanted: BTreeMap<String, f64>,
}

/// Seed, count, scale, shift and steps.
#[derive(Deserialize)]
struct Sample(u64, usize, f64, f64, f64);

impl Sample {
    fn values(&self, cols: usize) -> Matrix {
        let Self(mut state, count, scale, shift, steps) = *self;
        let mut next = || {
            state = (state * 1_103_515_245 + 12345) % (1 << 31);
            let u = (state >> 8) as f64 / f64::from(1 << 23);
            let value = u * u * scale + shift;
            (if steps > 0.0 { (value * steps).floor() / steps } else { value }) as f32
        };
        Matrix::new(cols, (0..count).map(|_| next()).collect())
    }
}

/// Compares what `measure` finds for each case and metric of a file with what SciPy found. Errors above
/// the tolerance, which `measure` returns as well, fail.
fn assert_scipy_agrees(json: &str, measure: impl Fn(&str, &Matrix, &Matrix) -> (f64, f64)) {
    for (number, case) in cases::<Case>(json).iter().enumerate() {
        let (reference, current) = (case.reference.values(1), case.current.values(1));
        for (key, wanted) in &case.wanted {
            let (found, tolerance) = measure(key, &reference, &current);
            let error = (found - wanted).abs() / wanted.abs().max(1.0);
            assert!(error < tolerance, "case {number}, {key}: {found}, SciPy says {wanted}");
        }
    }
}

#[test]
fn distances_are_those_of_scipy() {
    let json = include_str!("../references/distances.json");
    assert_scipy_agrees(json, |key, reference, current| {
        let table: MetricTable = toml::from_str(&format!("[{key}]\nthreshold = 1")).unwrap();
        (table.named()[0].1.init().distance(reference, current), TOLERANCE)
    });
}

fn tested(table: &str, reference: &Matrix, current: &Matrix) -> Tested {
    let table: MetricTable = toml::from_str(table).unwrap();
    let (_, config) = table.named()[0];
    config.init().test(reference, current, config.threshold().significance().unwrap())
}

/// SciPy uses the finite distribution of the one-sample statistic; this crate uses the limit with Stephens'
/// correction. For 10,000 pairs both have an error of about 0.007 where p is 0.1, and more above.
const LIMIT: f64 = 1e-2;

#[test]
fn p_values_are_those_of_scipy() {
    let json = include_str!("../references/p_values.json");
    assert_scipy_agrees(json, |key, reference, current| {
        let table = format!("[{key}]\nthreshold = {{ p_value = 0.05 }}");
        let exact = reference.rows() * current.rows() <= 10_000 || key != "ks";
        let tolerance = if exact { TOLERANCE } else { LIMIT };
        (tested(&table, reference, current).p_values[0], tolerance)
    });
}

#[derive(Deserialize)]
struct Matrices {
    cols: usize,
    reference: Sample,
    current: Sample,
    mmd: f64,
    linear_mmd: f64,
    linear_mmd_p: f64,
    lsdd: f64,
    weights: Vec<f64>,
    intercept: f64,
    auc: f64,
    components: Vec<f64>,
}

/// Kernels and their sums are computed in 32 bits here and in 64 bits there.
const SINGLE: f64 = 1e-5;

/// Newton's method ends here when a step is below 1e-9, and there when the slope is.
const CONVERGED: f64 = 1e-6;

#[test]
fn distances_of_matrices_are_those_of_the_papers() {
    let cases: Vec<Matrices> = cases(include_str!("../references/matrices.json"));
    for (number, case) in cases.iter().enumerate() {
        let (x, y) = (case.reference.values(case.cols), case.current.values(case.cols));
        let near = |what: &str, found: f64, wanted: f64, tolerance: f64| {
            let error = (found - wanted).abs();
            assert!(error < tolerance, "case {number}, {what}: {found}, wanted {wanted}");
        };
        let mmd: MetricTable = toml::from_str("mmd.threshold = 1").unwrap();
        near("mmd", mmd.named()[0].1.init().distance(&x, &y), case.mmd, SINGLE);
        let shuffled = tested("mmd.threshold = { p_value = 0.1 }", &x, &y);
        near("shuffled mmd", shuffled.value, case.mmd, SINGLE);
        let linear = "mmd = { estimate = \"linear\", threshold = { p_value = 0.1 } }";
        let linear = tested(linear, &x, &y);
        near("linear mmd", linear.value, case.linear_mmd, SINGLE);
        near("its p-value", linear.p_values[0], case.linear_mmd_p, 10.0 * SINGLE);
        let lsdd: MetricTable = toml::from_str("lsdd.threshold = 1").unwrap();
        near("lsdd", lsdd.named()[0].1.init().distance(&x, &y), case.lsdd, SINGLE);

        let both = Matrix::new(case.cols, [x.values(), y.values()].concat());
        let kind: Vec<bool> = (0..both.rows()).map(|row| row >= x.rows()).collect();
        let model = Logistic::fit(&both, &kind, 1.0);
        near("intercept", model.intercept, case.intercept, CONVERGED);
        for (weight, wanted) in model.weights.iter().zip(&case.weights) {
            near("weight", *weight, *wanted, CONVERGED);
        }
        let scores = |points: &Matrix| -> Vec<f64> {
            let rounded = |row| (model.score(points.row(row)) * 1e9).round();
            (0..points.rows()).map(rounded).collect()
        };
        near("auc", roc_auc(&scores(&y), &scores(&x)), case.auc, 1e-4);
        let found = Components::of(&x, 2).scores(&y);
        for (score, wanted) in found.values().iter().zip(&case.components) {
            near("component", f64::from(score.abs()), *wanted, SINGLE);
        }
    }
}
