use std::num::NonZeroUsize;

use nalgebra::{DMatrix, SymmetricEigen};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mmd::MmdMetric;
use super::{Metric, MetricConfig};
use crate::Matrix;

pub(super) const EXAMPLE: &str = "threshold = 0.05";

/// MMD after whitening by the reference: every leading direction weighs the same.
///
/// ```text
/// z = Λ^(−½) Vᵀ (x − mean of the reference)    V, Λ: leading eigenvectors and eigenvalues of the
///                                              reference's covariance;   distance = MMD²(z)
/// ```
///
/// Plain distances of embeddings are dominated by directions of large variance, often nuisances
/// (light, background) that say nothing about the task. Directions with less than a millionth of
/// the largest variance are left out: they hold rounding errors.
///
/// Reference: as [`Mmd`](super::Mmd); whitening as in A. Kessy et al., *Optimal Whitening and
/// Decorrelation*, The American Statistician 72 (2018), PCA whitening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhitenedMmd {
    /// Value of MMD² from which on there is drift.
    pub threshold: f64,
    /// Leading directions that are compared (default 8).
    #[serde(default = "eight")]
    pub components: NonZeroUsize,
}

fn eight() -> NonZeroUsize {
    NonZeroUsize::new(8).expect("eight is not zero")
}

impl MetricConfig for WhitenedMmd {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(WhitenedMmdMetric {
            components: self.components.get(),
            whitening: None,
            mmd: MmdMetric::default(),
        })
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }
}

struct WhitenedMmdMetric {
    components: usize,
    /// Of which reference, and what it looks like whitened.
    whitening: Option<(Matrix, Whitening, Matrix)>,
    mmd: MmdMetric,
}

impl Metric for WhitenedMmdMetric {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        if self.whitening.as_ref().is_none_or(|(known, ..)| known != reference) {
            let whitening = Whitening::of(reference, self.components);
            let whitened = whitening.apply(reference);
            self.whitening = Some((reference.clone(), whitening, whitened));
        }
        let (_, whitening, whitened) = self.whitening.as_ref().expect("set above");
        self.mmd.distance(whitened, &whitening.apply(current))
    }
}

/// An affine map to leading directions of equal variance.
struct Whitening {
    mean: Vec<f64>,
    /// One direction per row, divided by its standard deviation.
    directions: Vec<Vec<f64>>,
}

impl Whitening {
    fn of(points: &Matrix, components: usize) -> Self {
        let (rows, cols) = (points.rows() as f64, points.cols());
        let mean: Vec<f64> =
            (0..cols).map(|col| points.col(col).map(f64::from).sum::<f64>() / rows).collect();
        let centred = DMatrix::from_fn(points.rows(), cols, |row, col| {
            f64::from(points.row(row)[col]) - mean[col]
        });
        let eigen = SymmetricEigen::new(centred.tr_mul(&centred) / (rows - 1.0).max(1.0));
        let mut order: Vec<usize> = (0..cols).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let floor = eigen.eigenvalues[order[0]].max(f64::MIN_POSITIVE) * 1e-6;
        let directions = order
            .into_iter()
            .take(components)
            .filter(|&i| eigen.eigenvalues[i] > floor)
            .map(|i| {
                let deviation = eigen.eigenvalues[i].sqrt();
                eigen.eigenvectors.column(i).iter().map(|value| value / deviation).collect()
            })
            .collect();
        Self { mean, directions }
    }

    fn apply(&self, points: &Matrix) -> Matrix {
        let mut out = Vec::with_capacity(points.rows() * self.directions.len());
        for row in 0..points.rows() {
            let row = points.row(row);
            out.extend(self.directions.iter().map(|direction| {
                let along: f64 = direction
                    .iter()
                    .zip(row.iter().zip(&self.mean))
                    .map(|(weight, (value, mean))| weight * (f64::from(*value) - mean))
                    .sum();
                along as f32
            }));
        }
        // constant points have no direction left: they are all the same point.
        if self.directions.is_empty() {
            return Matrix::new(1, vec![0.0; points.rows()]);
        }
        Matrix::new(self.directions.len(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitened_points_have_unit_variance() {
        let values =
            (0..400).map(|i| ((i * 7919) % 1009) as f32 * if i % 2 == 0 { 1.0 } else { 50.0 });
        let points = Matrix::new(2, values.collect());
        let whitened = Whitening::of(&points, 2).apply(&points);
        for col in 0..2 {
            let variance = whitened.col(col).map(|v| f64::from(v).powi(2)).sum::<f64>() / 199.0;
            assert!((variance - 1.0).abs() < 1e-3, "{variance}");
        }
    }

    #[test]
    fn constant_points_do_not_drift() {
        let points = Matrix::new(2, vec![3.0; 20]);
        let config = WhitenedMmd { threshold: 0.1, components: eight() };
        assert_eq!(config.init().distance(&points, &points), 0.0);
    }
}
