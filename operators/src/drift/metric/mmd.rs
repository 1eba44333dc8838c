//! The maximum mean discrepancy.

use serde::{Deserialize, Serialize};

use super::linear_mmd;
use super::shuffled_mmd::Shuffles;
use super::{Kernel, Metric, MetricConfig, Tested, distances_between, distances_within};
use crate::Matrix;
use crate::criterion::{Criterion, Significance};

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

/// Maximum mean discrepancy: the distance of two distributions by a Gaussian kernel.
///
/// ```text
/// MMD² = Σ_{i≠j} k(xᵢ,xⱼ) / n(n−1)  +  Σ_{i≠j} k(yᵢ,yⱼ) / m(m−1)  −  2 Σ k(xᵢ,yⱼ) / nm
/// k(a,b) = exp(−‖a−b‖² / 2σ²),   2σ² = median of the reference's squared distances
/// ```
///
/// This is the unbiased estimate of MMD². It is 0 on average without drift, so sometimes slightly below 0,
/// and at most 2. Costs O((n² + nm + m²)·d); the n² part is computed only if the reference changed.
///
/// The p-value is that of a permutation test with the bandwidth of the reference. Kernels are computed once
/// for all permutations, block by block, and a permutation costs one product with the kernel matrix. The
/// kernels within the reference, n²/2 numbers of 32 bits, are cached until it changes. With `estimate =
/// "linear"` a comparison costs O((n+m)·d), and the p-value follows from the variance:
///
/// ```text
/// MMD² = mean of h over pairs of neighbours,   h = k(x,x′) + k(y,y′) − k(x,y′) − k(x′,y)
/// ```
///
/// The variance of this estimate is larger. It is for windows that are too large for the unbiased estimate.
/// Neighbours in the windows must be independent, and 2σ² is the median over the neighbours of the
/// reference.
///
/// Reference: A. Gretton et al., *A Kernel Two-Sample Test*, JMLR 13 (2012), lemma 6, and 14 for
/// the linear estimate; bandwidth as in Alibi Detect 0.12.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(2, vec![0., 0., 1., 0., 0., 1., 1., 1.]);
/// let current = Matrix::new(2, vec![2., 2., 3., 2., 2., 3.]);
/// let distance = Mmd { threshold: 0.05.into(), estimate: Estimate::Unbiased }.init().distance(&reference, &current);
/// assert!((distance - 0.55349798).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Mmd {
    /// MMD²; drift from this value on.
    pub threshold: Criterion,
    /// The estimate of MMD² (default `unbiased`).
    #[serde(default)]
    pub estimate: Estimate,
}

/// The estimate of MMD².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// From all pairs.
    #[default]
    Unbiased,
    /// From pairs of neighbours.
    Linear,
}

impl MetricConfig for Mmd {
    fn init(&self) -> Box<dyn Metric> {
        match self.estimate {
            Estimate::Unbiased => Box::new(MmdMetric::default()),
            Estimate::Linear => Box::new(linear_mmd::LinearMmd),
        }
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }

    fn has_null_distribution(&self) -> bool {
        self.estimate == Estimate::Linear
    }
}

/// The metric, which caches computations for the reference, and shuffles for the numbers of points.
#[derive(Default)]
pub(super) struct MmdMetric {
    reference: Option<Reference>,
    shuffles: Option<Shuffles>,
}

struct Reference {
    points: Matrix,
    kernel: Kernel,
    /// The mean kernel of its pairs.
    within: f64,
    /// The kernels of the pairs of each point with later ones, needed only for permutation tests.
    kernels: Option<Vec<f32>>,
}

impl Reference {
    fn of(points: &Matrix, shuffled: bool) -> Self {
        let later = |block: super::Block<'_>| block.later().collect::<Vec<_>>().concat();
        let mut distances = distances_within(points, later).concat();
        let kept = shuffled.then(|| distances.clone());
        let kernel = Kernel::median(&mut distances);
        let within = kernel.sum(&distances) / pairs(points).max(1) as f64;
        let kernels = kept.map(|mut distances| {
            kernel.apply(&mut distances);
            distances
        });
        Self { points: points.clone(), kernel, within, kernels }
    }
}

impl MmdMetric {
    fn of_reference(&mut self, points: &Matrix, shuffled: bool) -> &Reference {
        let known = self
            .reference
            .take()
            .filter(|known| (known.kernels.is_some() || !shuffled) && known.points == *points);
        self.reference.insert(known.unwrap_or_else(|| Reference::of(points, shuffled)))
    }
}

impl Metric for MmdMetric {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        let Reference { kernel, within: within_reference, .. } =
            *self.of_reference(reference, false);
        let later = |block: super::Block<'_>| block.later().map(|d| kernel.sum(d)).sum::<f64>();
        let within: f64 = distances_within(current, later).iter().sum();
        let all = |block: super::Block<'_>| kernel.sum(block.values);
        let between: f64 = distances_between(reference, current, all).iter().sum();
        within_reference + within / pairs(current).max(1) as f64
            - 2.0 * between / (reference.rows() * current.rows()) as f64
    }

    fn test(&mut self, reference: &Matrix, current: &Matrix, level: &Significance) -> Tested {
        let rows = [reference, current].map(Matrix::rows);
        let shuffles = self.shuffles.take().filter(|known| known.are(level, rows));
        let shuffles = shuffles.unwrap_or_else(|| Shuffles::new(level, rows));
        let known = self.of_reference(reference, true);
        let kernels = known.kernels.as_deref().unwrap_or_default();
        let tested = shuffles.test(known.kernel, kernels, reference, current);
        self.shuffles = Some(shuffles);
        tested
    }
}

/// The number of pairs of different points.
fn pairs(points: &Matrix) -> usize {
    points.rows() * points.rows().saturating_sub(1) / 2
}
