//! The energy distance.

use serde::{Deserialize, Serialize};

use super::per_column::PerColumn;
use super::steps::steps;
use super::{Metric, MetricConfig};
use crate::criterion::Criterion;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

/// The energy distance, averaged over the dimensions.
///
/// ```text
/// D = √(2 · ∫ (F(x) − G(x))² dx)  =  √(2 E|X−Y| − E|X−X′| − E|Y−Y′|)
/// ```
///
/// The distance is 0 or more, in units of the square root of the values.
///
/// Reference: G. J. Székely and M. L. Rizzo, *Energy Statistics*, Journal of Statistical Planning and
/// Inference 143 (2013); SciPy's `energy_distance`.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(1, vec![0.0, 2.0]);
/// let current = Matrix::new(1, vec![0.0, 4.0]);
/// assert_eq!(Energy { threshold: 0.1.into() }.init().distance(&reference, &current), 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Mean D; drift from this value on.
    pub threshold: Criterion,
}

impl MetricConfig for Energy {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(PerColumn::new(distance))
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }
}

fn distance(x: &[f32], y: &[f32]) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let mut area = 0.0;
    steps(x, y, |i, j, width| area += (i as f64 / n - j as f64 / m).powi(2) * width);
    (2.0 * area).sqrt()
}
