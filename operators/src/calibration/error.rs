//! The errors of calibration.

use std::fmt;

/// Why no threshold or parameter can be proposed.
#[derive(Clone, Debug, PartialEq)]
pub enum CalibrationError {
    /// The wanted rate is too small for so few values.
    TooFew {
        /// Values given.
        values: usize,
        /// Values that it takes.
        needed: usize,
    },
    /// A value is not a finite number, or not of the detector's domain.
    Value(f64),
    /// The largest values are all equal: they tell nothing of larger ones.
    Constant,
    /// Even the strictest parameter fires too often.
    Unreachable {
        /// The parameter in question.
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
            Self::Value(value) => write!(to, "{value} is no value to calibrate with"),
            Self::Constant => write!(to, "the largest values are all equal"),
            Self::Unreachable { parameter, strictest } => {
                write!(to, "{parameter} = {strictest} still fires more often than wanted")
            }
        }
    }
}

impl std::error::Error for CalibrationError {}
