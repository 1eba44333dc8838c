//! Drift: distances between samples of two distributions, and the windows they compare.
//!
//! Pure mathematics on matrices and numbers; [`crate::trigger::Drift`] puts it to use.

pub mod metric;
pub mod window;
