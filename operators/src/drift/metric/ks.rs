use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::per_column::PerColumn;
use super::steps::steps;
use super::{Metric, MetricConfig};

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
        Box::new(PerColumn::new(statistic))
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }
}

/// D of two sorted samples.
fn statistic(x: &[f32], y: &[f32]) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let mut largest = 0.0f64;
    steps(x, y, |i, j, _| largest = largest.max((i as f64 / n - j as f64 / m).abs()));
    largest
}
