//! Distances beside those of SciPy on the same numbers; `tests/oracles/distances.py` made them.

use std::collections::BTreeMap;

use driftmill_operators::Matrix;
use driftmill_operators::drift::metric::MetricTable;
use serde::Deserialize;

/// Both sides compute in 64 bits, on the same 32-bit values, in another order.
const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Oracle {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    reference: Sample,
    current: Sample,
    distances: BTreeMap<String, f64>,
}

/// Seed, count, scale, shift, steps.
#[derive(Deserialize)]
struct Sample(u64, usize, f64, f64, f64);

impl Sample {
    fn values(&self) -> Matrix {
        let Self(mut state, count, scale, shift, steps) = *self;
        let mut next = || {
            state = (state * 1_103_515_245 + 12345) % (1 << 31);
            let u = (state >> 8) as f64 / f64::from(1 << 23);
            let value = u * u * scale + shift;
            (if steps > 0.0 { (value * steps).floor() / steps } else { value }) as f32
        };
        Matrix::new(1, (0..count).map(|_| next()).collect())
    }
}

#[test]
fn distances_are_those_of_scipy() {
    let oracle: Oracle = serde_json::from_str(include_str!("../oracles/distances.json")).unwrap();
    for (number, case) in oracle.cases.iter().enumerate() {
        let (reference, current) = (case.reference.values(), case.current.values());
        for (key, wanted) in &case.distances {
            let table: MetricTable = toml::from_str(&format!("[{key}]\nthreshold = 1")).unwrap();
            let found = table.named()[0].1.init().distance(&reference, &current);
            let error = (found - wanted).abs() / wanted.abs().max(1.0);
            assert!(error < TOLERANCE, "case {number}, {key}: {found}, SciPy says {wanted}");
        }
    }
}
