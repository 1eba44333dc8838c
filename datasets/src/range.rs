//! Numbers with a range. A value outside it is an error that points to the value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The error for a number outside its range.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("wanted {wanted}, found {found}")]
pub struct OutOfRange {
    wanted: &'static str,
    found: f64,
}

macro_rules! ranged {
    ($(#[$meta:meta])* $Name:ident($keys:tt): $wanted:literal, $accepts:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "f64")]
        #[schemars(extend $keys)]
        pub struct $Name(f64);

        impl $Name {
            /// The number itself.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $Name {
            type Error = OutOfRange;

            fn try_from(value: f64) -> Result<Self, OutOfRange> {
                let accepts: fn(f64) -> bool = $accepts;
                if accepts(value) {
                    Ok(Self(value))
                } else {
                    Err(OutOfRange { wanted: $wanted, found: value })
                }
            }
        }
    };
}

ranged! {
    /// A number from 0 to 1.
    ///
    /// ```
    /// use driftmill_datasets::Probability;
    ///
    /// assert_eq!(Probability::try_from(0.1).unwrap().get(), 0.1);
    /// let refused = Probability::try_from(10.0).unwrap_err();
    /// assert_eq!(refused.to_string(), "wanted a number from 0 to 1, found 10");
    /// ```
    Probability(("minimum" = 0, "maximum" = 1)): "a number from 0 to 1", |value| {
        (0.0..=1.0).contains(&value)
    }
}

ranged! {
    /// A finite number, 0 or more.
    NonNegative(("minimum" = 0)): "a number of at least 0", |value| {
        value.is_finite() && value >= 0.0
    }
}

ranged! {
    /// A finite number above 0.
    Positive(("exclusiveMinimum" = 0)): "a number above 0", |value| {
        value.is_finite() && value > 0.0
    }
}

ranged! {
    /// A number from 0 up to, but not including 1.
    Fraction(("minimum" = 0, "exclusiveMaximum" = 1)): "a number of at least 0 and below 1", |value| {
        (0.0..1.0).contains(&value)
    }
}
