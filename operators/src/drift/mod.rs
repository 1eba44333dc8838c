//! Drift: distances between samples of two distributions, the windows they compare, and detectors
//! of changes in a stream of values.
//!
//! Pure mathematics on matrices and numbers; [`crate::trigger`] puts it to use.

pub mod detector;
pub mod metric;
pub mod window;
