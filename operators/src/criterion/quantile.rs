//! Bounds at a quantile of the last values.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// Fires at a value strictly above (or below) a quantile of the last values.
///
/// The quantile is taken before the new value joins the history, with linear interpolation between
/// the neighbouring values: position q(n − 1) among n values in ascending order.
///
/// Reference: R. J. Hyndman and Y. Fan, *Sample Quantiles in Statistical Packages*, The American
/// Statistician 50 (1996), definition 7; as a trigger's threshold: M. Böther et al., *Modyn*
/// (SIGMOD 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// The quantile, from 0 to 1: 0.95 if high values fire, 0.05 if low values fire.
    pub quantile: f64,
    /// Number of last values.
    pub of: NonZeroUsize,
}

impl Quantile {
    pub(super) fn check(&self) -> Vec<String> {
        if (0.0..=1.0).contains(&self.quantile) {
            return Vec::new();
        }
        vec![format!("a quantile must be between 0 and 1, not {}", self.quantile)]
    }
}
