use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::per_column::PerColumn;
use super::steps::steps;
use super::{Metric, MetricConfig};

pub(super) const EXAMPLE: &str = "threshold = 0.461";

/// The two-sample Cramér–von Mises statistic, averaged over the dimensions: like that of
/// Kolmogorov and Smirnov, but of all differences and not the largest alone.
///
/// ```text
/// T = nm / (n+m)² · Σ over all values z of both samples, of (F(z) − G(z))²
/// ```
///
/// 0 when equal; it grows with the samples: without drift T is about 1/6 on average, and above 0.461
/// in one of twenty comparisons. Ties get the mean of their ranks, as in SciPy.
///
/// Reference: T. W. Anderson, *On the Distribution of the Two-Sample Cramér–von Mises Criterion*,
/// Annals of Mathematical Statistics 33 (1962), equation 9; SciPy's `cramervonmises_2samp`.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(1, vec![1.0, 2.0, 3.0, 4.0]);
/// let current = Matrix::new(1, vec![3.5, 4.5, 5.5, 6.5]);
/// let distance = CramerVonMises { threshold: 0.461 }.init().distance(&reference, &current);
/// assert_eq!(distance, 0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CramerVonMises {
    /// Mean T from which on there is drift.
    pub threshold: f64,
}

impl MetricConfig for CramerVonMises {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(PerColumn::new(statistic))
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }
}

/// T of two sorted samples, from the sums of ranks.
fn statistic(x: &[f32], y: &[f32]) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let (mut i, mut j, mut u) = (0, 0, 0.0);
    steps(x, y, |to_i, to_j, _| {
        // all that are equal have the mean of the ranks that they take together.
        let rank = ((i + j + 1) + (to_i + to_j)) as f64 / 2.0;
        let squares = |from: usize, to: usize| {
            (from..to).map(|own| (rank - (own + 1) as f64).powi(2)).sum::<f64>()
        };
        u += n * squares(i, to_i) + m * squares(j, to_j);
        (i, j) = (to_i, to_j);
    });
    u / (n * m * (n + m)) - (4.0 * n * m - 1.0) / (6.0 * (n + m))
}
