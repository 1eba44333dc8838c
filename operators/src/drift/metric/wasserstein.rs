//! The Wasserstein distance.

use serde::{Deserialize, Serialize};

use super::per_column::PerColumn;
use super::steps::steps;
use super::{Metric, MetricConfig};
use crate::criterion::Criterion;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

/// The Wasserstein distance of order 1 (earth mover's distance), averaged over the dimensions. It is the
/// average distance that a value must be moved to turn one sample into the other.
///
/// ```text
/// W = ∫ |F(x) − G(x)| dx  /  standard deviation of the reference
/// ```
///
/// The distance is in standard deviations of the reference (with divisor n). If the reference is constant,
/// it is in standard deviations of both samples together. With `normalized = false` it is in units of the
/// values. It is 0 or more.
///
/// Reference: SciPy's `wasserstein_distance`; normalized as in Evidently 0.4, whose threshold is 0.1.
/// Evidently's minimum deviation is 0.001 in any unit.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(1, vec![0.0, 2.0, 4.0]);
/// let current = Matrix::new(1, vec![1.0, 3.0, 5.0]);
/// let plain = Wasserstein { threshold: 0.1.into(), normalized: false };
/// assert_eq!(plain.init().distance(&reference, &current), 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Wasserstein {
    /// Mean W; drift from this value on.
    pub threshold: Criterion,
    /// Whether the distance is measured in standard deviations of the reference (default yes).
    #[serde(default = "yes")]
    pub normalized: bool,
}

impl MetricConfig for Wasserstein {
    fn init(&self) -> Box<dyn Metric> {
        let normalized = self.normalized;
        Box::new(PerColumn::new(move |x: &[f32], y: &[f32]| {
            distance(x, y) / if normalized { scale(x, y) } else { 1.0 }
        }))
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }
}

fn yes() -> bool {
    true
}

fn distance(x: &[f32], y: &[f32]) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let mut area = 0.0;
    steps(x, y, |i, j, width| area += (i as f64 / n - j as f64 / m).abs() * width);
    area
}

/// The deviation of the reference, or, if that is 0, of both samples together, or else 1.
fn scale(x: &[f32], y: &[f32]) -> f64 {
    let above_zero = |deviation: &f64| *deviation > 0.0;
    let both = || Some(deviation(&[x, y].concat())).filter(above_zero);
    // the distance of equal constants is 0 in any unit.
    Some(deviation(x)).filter(above_zero).or_else(both).unwrap_or(1.0)
}

fn deviation(x: &[f32]) -> f64 {
    let n = x.len() as f64;
    let mean = x.iter().map(|value| f64::from(*value)).sum::<f64>() / n;
    (x.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / n).sqrt()
}
