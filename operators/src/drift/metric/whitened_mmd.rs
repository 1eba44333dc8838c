//! The maximum mean discrepancy of whitened components.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::mmd::MmdMetric;
use super::{Metric, MetricConfig, Tested};
use crate::Matrix;
use crate::criterion::{Criterion, Significance};
use crate::drift::Components;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

/// MMD after whitening by the reference: all leading directions have equal weight.
///
/// ```text
/// z = Λ^(−½) Vᵀ (x − mean of the reference)    V, Λ: leading eigenvectors and eigenvalues of the
///                                              reference's covariance;   distance = MMD²(z)
/// ```
///
/// The p-value is that of a permutation test of the whitened points.
///
/// Plain distances of embeddings are dominated by directions of large variance. Those are often nuisances
/// such as light or background, which say nothing about the task. Directions with less than a millionth of
/// the largest variance hold only rounding errors and are left out.
///
/// Reference: as [`Mmd`](super::Mmd); whitening as in A. Kessy et al., *Optimal Whitening and
/// Decorrelation*, The American Statistician 72 (2018), PCA whitening.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WhitenedMmd {
    /// MMD²; drift from this value on.
    pub threshold: Criterion,
    /// Number of leading directions that are compared (default 8).
    #[serde(default = "crate::defaults::count::<8>")]
    pub components: NonZeroUsize,
}

impl MetricConfig for WhitenedMmd {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(WhitenedMmdMetric {
            components: self.components.get(),
            whitening: None,
            mmd: MmdMetric::default(),
        })
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }
}

struct WhitenedMmdMetric {
    components: usize,
    /// The reference of the whitening, its components and the whitened reference.
    whitening: Option<(Matrix, Components, Matrix)>,
    mmd: MmdMetric,
}

impl WhitenedMmdMetric {
    /// Whitens both samples. Returns the metric that compares them, and the whitened samples.
    fn whiten(
        &mut self,
        reference: &Matrix,
        current: &Matrix,
    ) -> (&mut MmdMetric, &Matrix, Matrix) {
        if self.whitening.as_ref().is_none_or(|(known, ..)| known != reference) {
            let whitening = Components::of(reference, self.components).whitened();
            let whitened = whitening.scores(reference);
            self.whitening = Some((reference.clone(), whitening, whitened));
        }
        let (_, whitening, whitened) = self.whitening.as_ref().expect("set above");
        (&mut self.mmd, whitened, whitening.scores(current))
    }
}

impl Metric for WhitenedMmdMetric {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        let (mmd, reference, current) = self.whiten(reference, current);
        mmd.distance(reference, &current)
    }

    fn test(&mut self, reference: &Matrix, current: &Matrix, level: &Significance) -> Tested {
        let (mmd, reference, current) = self.whiten(reference, current);
        mmd.test(reference, &current, level)
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
        let whitened = Components::of(&points, 2).whitened().scores(&points);
        for col in 0..2 {
            let variance = whitened.col(col).map(|v| f64::from(v).powi(2)).sum::<f64>() / 199.0;
            assert!((variance - 1.0).abs() < 1e-3, "{variance}");
        }
    }

    #[test]
    fn a_test_measures_the_distance_and_finds_a_shift() {
        let points = |shift: f32| {
            let value = |i: usize| ((i * 7919) % 1009) as f32 / 1009.0 + shift;
            Matrix::new(2, (0..160).map(value).collect())
        };
        let table = "threshold = { p_value = 0.05 }";
        let config: WhitenedMmd = toml::from_str(table).expect("a table");
        let significance = config.threshold.significance().expect("a p-value is asked for");
        let (reference, shifted) = (points(0.0), points(0.5));
        let tested = config.init().test(&reference, &shifted, significance);
        let distance = config.init().distance(&reference, &shifted);
        assert!((tested.value - distance).abs() < 1e-6, "{} is not {distance}", tested.value);
        assert!(tested.p_values[0] < 0.01, "{:?}", tested.p_values);
        assert_eq!(config.init().test(&reference, &reference, significance).p_values, [1.0]);
    }

    #[test]
    fn constant_points_do_not_drift() {
        let points = Matrix::new(2, vec![3.0; 20]);
        let config =
            WhitenedMmd { threshold: 0.1.into(), components: crate::defaults::count::<8>() };
        assert_eq!(config.init().distance(&points, &points), 0.0);
    }
}
