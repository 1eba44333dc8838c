//! Numbers of optimizers, each with its range.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$meta:meta])* $Name:ident, $accepts:expr, $wanted:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "f64", into = "f64")]
        #[schemars(with = "f64")]
        pub struct $Name(f64);

        impl $Name {
            /// The number.
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $Name {
            type Error = String;

            fn try_from(value: f64) -> Result<Self, String> {
                let accepts: fn(f64) -> bool = $accepts;
                if accepts(value) {
                    return Ok(Self(value));
                }
                Err(format!(concat!("wanted ", $wanted, ", not {}"), value))
            }
        }

        impl From<$Name> for f64 {
            fn from(number: $Name) -> Self {
                number.0
            }
        }
    };
}

number!(
    /// A learning rate: finite and above 0.
    Rate, |value| value.is_finite() && value > 0.0, "a finite number above 0"
);
number!(
    /// The share of the past in a moving average: 0 or more, below 1.
    Momentum, |value| (0.0..1.0).contains(&value), "a number of 0 or more and below 1"
);
number!(
    /// How strongly weights are pulled to 0: finite, 0 or more.
    Decay, |value| value.is_finite() && value >= 0.0, "a finite number of 0 or more"
);
