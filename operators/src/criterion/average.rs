//! Bounds relative to the average of the last values.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// Fires at a value above the average of the last values by a given amount or more.
///
/// ```text
/// bound = average + above_average · |average|      (relative)
///         average + above_average                  (absolute)
/// ```
///
/// The average is taken before the new value joins the history.
///
/// ```
/// use driftmill_operators::criterion::AboveAverage;
/// let relative = AboveAverage { above_average: 0.5, of: 10.try_into().unwrap(), relative: true };
/// assert_eq!((relative.bound(2.0), relative.bound(-2.0)), (3.0, -1.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AboveAverage {
    /// The deviation: a share of the average, or an amount.
    pub above_average: f64,
    /// Number of last values in the average.
    pub of: NonZeroUsize,
    /// Whether the deviation is a share of the average's absolute value (default yes).
    #[serde(default = "yes")]
    pub relative: bool,
}

/// Fires at a value below the average of the last values by a given amount or more: the mirror image
/// of [`AboveAverage`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BelowAverage {
    /// The deviation: a share of the average, or an amount.
    pub below_average: f64,
    /// Number of last values in the average.
    pub of: NonZeroUsize,
    /// Whether the deviation is a share of the average's absolute value (default yes).
    #[serde(default = "yes")]
    pub relative: bool,
}

fn yes() -> bool {
    true
}

impl AboveAverage {
    /// The lowest value that fires.
    pub fn bound(&self, average: f64) -> f64 {
        average + deviation(self.above_average, self.relative, average)
    }
}

impl BelowAverage {
    /// The highest value that fires.
    pub fn bound(&self, average: f64) -> f64 {
        average - deviation(self.below_average, self.relative, average)
    }
}

fn deviation(amount: f64, relative: bool, average: f64) -> f64 {
    if relative { amount * average.abs() } else { amount }
}
