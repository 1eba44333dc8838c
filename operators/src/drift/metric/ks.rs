use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Metric, MetricConfig, sorted_columns};
use crate::Matrix;

pub(super) const EXAMPLE: &str = "threshold = 0.1";

/// The two-sample Kolmogorov–Smirnov statistic, averaged over the dimensions.
///
/// ```text
/// D = sup over x of |F(x) − G(x)|     F, G: the samples' empirical distribution functions
/// ```
///
/// Between 0 (equal) and 1 (apart).
///
/// Reference: N. Smirnov, *Table for Estimating the Goodness of Fit of Empirical Distributions*,
/// Annals of Mathematical Statistics 19 (1948); averaged over dimensions as in Modyn.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(1, vec![1.0, 2.0, 3.0, 4.0]);
/// let current = Matrix::new(1, vec![3.0, 4.0, 5.0, 6.0]);
/// assert_eq!(Ks { threshold: 0.1 }.init().distance(&reference, &current), 0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ks {
    /// Mean D from which on there is drift.
    pub threshold: f64,
}

impl MetricConfig for Ks {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(KsMetric::default())
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }
}

#[derive(Default)]
struct KsMetric {
    reference: Option<(Matrix, Vec<Vec<f32>>)>,
}

impl Metric for KsMetric {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        if self.reference.as_ref().is_none_or(|(known, _)| known != reference) {
            self.reference = Some((reference.clone(), sorted_columns(reference)));
        }
        let (_, reference) = self.reference.as_ref().expect("set above");
        let current = sorted_columns(current);
        let total: f64 = reference.iter().zip(&current).map(|(x, y)| statistic(x, y)).sum();
        total / reference.len() as f64
    }
}

/// D of two sorted samples.
fn statistic(x: &[f32], y: &[f32]) -> f64 {
    let (mut i, mut j, mut largest) = (0, 0, 0.0f64);
    while i < x.len() && j < y.len() {
        // ties step together: between them the functions have no value.
        let step = x[i].min(y[j]);
        i += x[i..].iter().take_while(|value| **value <= step).count();
        j += y[j..].iter().take_while(|value| **value <= step).count();
        largest = largest.max((i as f64 / x.len() as f64 - j as f64 / y.len() as f64).abs());
    }
    largest
}
