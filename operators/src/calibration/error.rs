//! The errors of calibration.

use std::fmt;

/// The error if no threshold or parameter can be proposed.
#[derive(Clone, Debug, PartialEq)]
pub enum CalibrationError {
    /// There are too few values for the wanted rate.
    TooFew {
        /// Number of given values.
        values: usize,
        /// Number of required values.
        needed: usize,
    },
    /// A value is not a finite number or is outside the detector's domain.
    Value(f64),
    /// The largest values are all equal, so that no tail can be fitted.
    Constant,
    /// The detector fires too often even with the strictest parameter.
    Unreachable {
        /// The name of the parameter.
        parameter: &'static str,
        /// Its strictest value.
        strictest: f64,
    },
}

impl fmt::Display for CalibrationError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { values, needed } => {
                write!(to, "{values} values are too few for the wanted rate: it takes {needed}")
            }
            Self::Value(value) => write!(to, "{value} cannot be used for calibration"),
            Self::Constant => write!(to, "the largest values are all equal"),
            Self::Unreachable { parameter, strictest } => {
                write!(to, "{parameter} = {strictest} still fires more often than wanted")
            }
        }
    }
}

impl std::error::Error for CalibrationError {}
