//! The least-squares density difference.

use std::num::NonZeroUsize;

use nalgebra::{Cholesky, DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::{Kernel, Metric, MetricConfig, distances_between, distances_within};
use crate::Matrix;
use crate::criterion::Criterion;

pub(super) const EXAMPLE: &str = "threshold = 0.05";

/// Number of regularizations: 4⁰, 4⁻¹, …, 4⁻⁹.
const LAMBDAS: i32 = 10;
/// Maximum share of the estimate that the regularization may take.
const MOST_LOST: f64 = 0.2;

/// The least-squares density difference: the squared difference of both densities, integrated.
///
/// ```text
/// LSDD = 2 hᵀθ − θᵀHθ,   θ = (H + λI)⁻¹ h        an estimate of ∫ (p − q)²
/// h = mean of k(x, c) − mean of k(y, c),   H = exp(−‖c − c′‖² / 4σ²),   k = exp(−‖a − b‖² / 2σ²)
/// ```
///
/// c are the centres of the kernels: evenly spaced rows of the reference in ascending order, so that the
/// order of rows in the window does not matter. Columns are first scaled to mean 0 and variance 1 of the
/// reference, and 2σ² is the median of its squared distances. Densities are in units of the kernel: LSDD is
/// 0 for equal densities, and only values within one pipeline are comparable. λ is the largest of 1, ¼, …
/// that loses less than a fifth: 1 − θᵀHθ / hᵀθ < 0.2. Costs O((n² + (n+m)·c)·d + c³).
///
/// Reference: M. Sugiyama et al., *Density-Difference Estimation*, Neural Computation 25 (2013);
/// L. Bu, C. Alippi and D. Zhao, *A pdf-Free Change Detection Test Based on Density Difference
/// Estimation*, IEEE TNNLS 29 (2016), for the choice of λ.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(1, (0..40).map(|i| i as f32).collect());
/// let [near, far] = [1.0, 30.0].map(|by| {
///     let current = Matrix::new(1, (0..40).map(|i| i as f32 + by).collect());
///     Lsdd { threshold: 0.05.into(), centres: None }.init().distance(&reference, &current)
/// });
/// assert!(near < 0.01 && far > 0.1, "{near}, {far}");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lsdd {
    /// LSDD; drift from this value on.
    pub threshold: Criterion,
    /// Kernel centres (default: one for every 20 rows of the reference, but at least 20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centres: Option<NonZeroUsize>,
}

impl MetricConfig for Lsdd {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(LsddMetric { centres: self.centres.map(usize::from), known: None })
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }
}

struct LsddMetric {
    centres: Option<usize>,
    known: Option<(Matrix, Reference)>,
}

/// The computations for the reference.
struct Reference {
    scale: Scale,
    kernel: Kernel,
    centres: Matrix,
    /// H.
    overlaps: DMatrix<f64>,
    means: DVector<f64>,
}

/// Means and deviations of columns.
struct Scale(Vec<(f64, f64)>);

impl Scale {
    fn of(points: &Matrix) -> Self {
        let rows = points.rows() as f64;
        let column = |col: usize| {
            let mean = points.col(col).map(f64::from).sum::<f64>() / rows;
            let squares: f64 = points.col(col).map(|value| (f64::from(value) - mean).powi(2)).sum();
            let deviation = (squares / rows).sqrt();
            (mean, deviation)
        };
        Self((0..points.cols()).map(column).collect())
    }

    fn apply(&self, points: &Matrix) -> Matrix {
        let scaled = points.values().iter().zip(self.0.iter().cycle());
        let scaled = scaled.map(|(value, (mean, by))| match f64::from(*value) - mean {
            off if *by > 0.0 => (off / by) as f32,
            0.0 => 0.0,
            // any value other than that of a constant column is one deviation away, in any unit.
            off => off.signum() as f32,
        });
        Matrix::new(points.cols(), scaled.collect())
    }
}

impl Reference {
    fn of(points: &Matrix, count: Option<usize>) -> Self {
        let scale = Scale::of(points);
        let points = scale.apply(points);
        let later = |block: super::Block<'_>| block.later().collect::<Vec<_>>().concat();
        let kernel = Kernel::median(&mut distances_within(&points, later).concat());
        let count = count.unwrap_or((points.rows() / 20).max(20)).min(points.rows());
        let mut rows: Vec<&[f32]> = (0..points.rows()).map(|row| points.row(row)).collect();
        rows.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let every = rows.len() as f64 / count as f64;
        let chosen = (0..count).map(|centre| rows[((centre as f64 + 0.5) * every) as usize]);
        let centres = Matrix::new(points.cols(), chosen.flatten().copied().collect());
        let distances =
            distances_between(&centres, &centres, |block| block.values.to_vec()).concat();
        let overlaps = distances.iter().map(|distance| kernel.of(0.5 * distance));
        Self {
            overlaps: DMatrix::from_iterator(count, count, overlaps),
            means: means(kernel, &centres, &points),
            scale,
            kernel,
            centres,
        }
    }
}

/// For each centre the mean kernel of the points.
fn means(kernel: Kernel, centres: &Matrix, points: &Matrix) -> DVector<f64> {
    let rows = |block: super::Block<'_>| {
        block.values.chunks_exact(block.cols).map(|row| kernel.sum(row)).collect::<Vec<_>>()
    };
    let sums = distances_between(centres, points, rows).concat();
    DVector::from_vec(sums) / points.rows() as f64
}

impl Metric for LsddMetric {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        if self.known.as_ref().is_none_or(|(known, _)| known != reference) {
            self.known = Some((reference.clone(), Reference::of(reference, self.centres)));
        }
        let (_, known) = self.known.as_ref().expect("set above");
        let h = &known.means - means(known.kernel, &known.centres, &known.scale.apply(current));
        estimate(&known.overlaps, &h)
    }
}

fn estimate(overlaps: &DMatrix<f64>, h: &DVector<f64>) -> f64 {
    let mut best = 0.0;
    for power in 0..LAMBDAS {
        let lambda = 0.25f64.powi(power);
        let identity = DMatrix::identity(h.len(), h.len());
        let Some(regular) = Cholesky::new(overlaps + identity * lambda) else { return best };
        let theta = regular.solve(h);
        let (linear, square) = (h.dot(&theta), theta.dot(&(overlaps * &theta)));
        best = (2.0 * linear - square).max(0.0);
        if square > (1.0 - MOST_LOST) * linear {
            return best;
        }
    }
    best
}
