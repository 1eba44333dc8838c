//! Bounds at a quantile of the last values.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// Fires strictly beyond a quantile of the last values, above it or below.
///
/// The quantile is taken before the new value joins the history, with linear interpolation between
/// the values beside it: position q(n − 1) among n values in ascending order.
///
/// Reference: R. J. Hyndman and Y. Fan, *Sample Quantiles in Statistical Packages*, The American
/// Statistician 50 (1996), definition 7; as a trigger's threshold: M. Böther et al., *Modyn*
/// (SIGMOD 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// Which quantile, from 0 to 1: 0.95 for values that are high, 0.05 for low ones.
    pub quantile: f64,
    /// Of how many of the last values.
    pub of: NonZeroUsize,
}

impl Quantile {
    pub(super) fn check(&self) -> Vec<String> {
        if (0.0..=1.0).contains(&self.quantile) {
            return Vec::new();
        }
        vec![format!("a quantile is between 0 and 1, not {}", self.quantile)]
    }
}
