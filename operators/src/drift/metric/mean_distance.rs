//! The distance of two means.

use serde::{Deserialize, Serialize};

use super::{Metric, MetricConfig};
use crate::Matrix;
use crate::criterion::Criterion;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

/// The distance between the mean of the reference and the mean of the current sample.
///
/// The metric detects only shifts of the mean; with `cosine`, only changes of its direction. Costs
/// O((n+m)·d).
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(2, vec![0.0, 0.0, 2.0, 0.0]);
/// let current = Matrix::new(2, vec![4.0, 4.0, 4.0, 4.0]);
/// let distance = |norm| {
///     MeanDistance { threshold: 0.2.into(), norm }.init().distance(&reference, &current)
/// };
/// assert_eq!(distance(Norm::Euclidean), 5.0);
/// assert_eq!(distance(Norm::Manhattan), 7.0);
/// assert_eq!(distance(Norm::Chebyshev), 4.0);
/// assert!((distance(Norm::Cosine) - (1.0 - 0.5f64.sqrt())).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MeanDistance {
    /// Distance; drift from this value on.
    pub threshold: Criterion,
    /// The distance between the means (default `euclidean`).
    #[serde(default)]
    pub norm: Norm,
}

/// A distance of two vectors a and b, d = b − a.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// `√ Σ dᵢ²`.
    #[default]
    Euclidean,
    /// `1 − a·b / |a||b|`, between 0 and 2; 0 if either is zero.
    Cosine,
    /// `Σ |dᵢ|`.
    Manhattan,
    /// `max |dᵢ|`.
    Chebyshev,
}

impl Norm {
    fn between(self, a: &[f64], b: &[f64]) -> f64 {
        let differences = a.iter().zip(b).map(|(a, b)| (b - a).abs());
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        match self {
            Self::Euclidean => differences.map(|d| d * d).sum::<f64>().sqrt(),
            Self::Manhattan => differences.sum(),
            Self::Chebyshev => differences.fold(0.0, f64::max),
            Self::Cosine => match (dot(a, a) * dot(b, b)).sqrt() {
                0.0 => 0.0,
                // rounding must not make it negative.
                lengths => (1.0 - dot(a, b) / lengths).max(0.0),
            },
        }
    }
}

impl MetricConfig for MeanDistance {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(Means(self.norm))
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }
}

struct Means(Norm);

impl Metric for Means {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        self.0.between(&mean(reference), &mean(current))
    }
}

fn mean(matrix: &Matrix) -> Vec<f64> {
    let mut sums = vec![0.0; matrix.cols()];
    for row in 0..matrix.rows() {
        sums.iter_mut().zip(matrix.row(row)).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter().map(|sum| sum / matrix.rows() as f64).collect()
}
