use serde::{Deserialize, Serialize};

use std::num::NonZeroUsize;

use super::histogram::histograms;
use super::per_column::PerColumn;
use super::{Metric, MetricConfig};
use crate::criterion::Criterion;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

/// The Hellinger distance of histograms, averaged over the dimensions.
///
/// ```text
/// H = √(1 − Σ √(pᵢ qᵢ))
/// ```
///
/// Between 0 (equal) and 1 (apart). p and q are the shares of the reference and of the current sample in bins: of a reference with at
/// most 20 different values, each value is a bin; else there are `bins` bins of equal width over both
/// samples, by default as many as Sturges' rule says, ⌈1 + log₂(n+m)⌉.
///
/// Reference: E. Hellinger, *Neue Begründung der Theorie quadratischer Formen*, Crelle 136 (1909).
/// Evidently counts different values for Sturges' rule, not all of them, and Frouros always makes
/// ten bins.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(1, vec![0.0, 0.0, 1.0, 1.0]);
/// let current = Matrix::new(1, vec![0.0, 2.0, 2.0, 2.0]);
/// let distance = Hellinger { threshold: 0.1.into(), bins: None }.init().distance(&reference, &current);
/// assert!((distance - (1.0 - 0.125f64.sqrt()).sqrt()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hellinger {
    /// Mean H from which on there is drift.
    pub threshold: Criterion,
    /// Number of bins of equal width over both samples (default: by Sturges' rule).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bins: Option<NonZeroUsize>,
}

impl MetricConfig for Hellinger {
    fn init(&self) -> Box<dyn Metric> {
        let bins = self.bins;
        Box::new(PerColumn::new(move |x: &[f32], y: &[f32]| {
            let (p, q) = histograms((x, y), bins);
            distance(&p, &q)
        }))
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }
}

fn distance(p: &[f64], q: &[f64]) -> f64 {
    let overlap: f64 = p.iter().zip(q).map(|(p, q)| (p * q).sqrt()).sum();
    // rounding must not take it below zero.
    (1.0 - overlap).max(0.0).sqrt()
}
