//! The size of a training set.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// A share: above 0, at most 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "f64", into = "f64")]
#[cfg_attr(feature = "schema", schemars(with = "f64"))]
pub struct Ratio(f64);

impl Ratio {
    /// The whole.
    pub const ALL: Self = Self(1.0);

    /// The share as a number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The share of `samples`, rounded down. A value that is below a whole number only by rounding is that
    /// number.
    pub fn of(self, samples: u64) -> u64 {
        let share = samples as f64 * self.0 * (1.0 + 4.0 * f64::EPSILON);
        (share as u64).min(samples)
    }
}

impl Default for Ratio {
    fn default() -> Self {
        Self::ALL
    }
}

impl TryFrom<f64> for Ratio {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        let fits = share > 0.0 && share <= 1.0;
        fits.then_some(Self(share))
            .ok_or_else(|| format!("wanted a share above 0, at most 1, not {share}"))
    }
}

impl From<Ratio> for f64 {
    fn from(ratio: Ratio) -> f64 {
        ratio.0
    }
}

/// The number of samples to choose from `available`: their share, but at most `most`.
pub(super) fn target(available: u64, ratio: Ratio, most: Option<NonZeroUsize>) -> usize {
    let share = usize::try_from(ratio.of(available)).unwrap_or(usize::MAX);
    most.map_or(share, |most| share.min(most.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_where_decimals_are() {
        let of = |share: f64, samples: u64| Ratio::try_from(share).unwrap().of(samples);
        for percent in 1..=100u64 {
            assert_eq!(of(percent as f64 / 100.0, 100), percent);
            assert_eq!(of(percent as f64 / 100.0, 12_300), percent * 123);
        }
        assert_eq!((of(0.5, 3), of(1.0, u64::MAX), of(1e-9, 10)), (1, u64::MAX, 0));
        for wrong in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Ratio::try_from(wrong).is_err(), "{wrong}");
        }
    }
}
