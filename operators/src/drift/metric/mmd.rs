use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kernel, Metric, MetricConfig, distances_between, distances_within};
use crate::Matrix;

pub(super) const EXAMPLE: &str = "threshold = 0.05";

/// Maximum mean discrepancy: the distance of two distributions as the Gaussian kernel sees them.
///
/// ```text
/// MMD² = Σ_{i≠j} k(xᵢ,xⱼ) / n(n−1)  +  Σ_{i≠j} k(yᵢ,yⱼ) / m(m−1)  −  2 Σ k(xᵢ,yⱼ) / nm
/// k(a,b) = exp(−‖a−b‖² / 2σ²),   2σ² = median of the reference's squared distances
/// ```
///
/// The unbiased estimate of MMD²: 0 on average without drift, so sometimes a little below 0; at
/// most 2. Costs O((n² + nm + m²)·d), of which n² only when the reference changed.
///
/// Reference: A. Gretton et al., *A Kernel Two-Sample Test*, JMLR 13 (2012), lemma 6; bandwidth as
/// in Alibi Detect 0.12.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(2, vec![0., 0., 1., 0., 0., 1., 1., 1.]);
/// let current = Matrix::new(2, vec![2., 2., 3., 2., 2., 3.]);
/// let distance = Mmd { threshold: 0.05 }.init().distance(&reference, &current);
/// assert!((distance - 0.55349798).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mmd {
    /// Value of MMD² from which on there is drift.
    pub threshold: f64,
}

impl MetricConfig for Mmd {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(MmdMetric::default())
    }

    fn threshold(&self) -> f64 {
        self.threshold
    }
}

/// Remembers what follows from the reference alone.
#[derive(Default)]
pub(super) struct MmdMetric {
    reference: Option<(Matrix, Kernel, f64)>,
    /// Room for those of the reference: fresh memory costs as much as what is done with it.
    distances: Vec<f32>,
}

impl MmdMetric {
    fn of_reference(&mut self, reference: &Matrix) -> (Kernel, f64) {
        match &self.reference {
            Some((known, kernel, within)) if known == reference => (*kernel, *within),
            _ => {
                let count = pairs(reference);
                let distances = &mut self.distances;
                distances.clear();
                distances_within(reference, |block| distances.extend_from_slice(block));
                let kernel = Kernel::median(distances);
                let within = kernel.sum(distances) / count.max(1) as f64;
                self.reference = Some((reference.clone(), kernel, within));
                (kernel, within)
            }
        }
    }
}

impl Metric for MmdMetric {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        let (kernel, within_reference) = self.of_reference(reference);
        let (mut within, mut between) = (0.0, 0.0);
        distances_within(current, |block| within += kernel.sum(block));
        distances_between(reference, current, |block| between += kernel.sum(block));
        within_reference + within / pairs(current).max(1) as f64
            - 2.0 * between / (reference.rows() * current.rows()) as f64
    }
}

/// How many pairs of different points there are.
fn pairs(points: &Matrix) -> usize {
    points.rows() * points.rows().saturating_sub(1) / 2
}
