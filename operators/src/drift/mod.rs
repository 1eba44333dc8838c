//! Drift: distances between samples of two distributions, the windows they compare, and detectors
//! of changes in a stream of values.
//!
//! Everything here is a pure computation on matrices and numbers. [`crate::trigger`] uses it.

mod components;
pub mod detector;
mod logistic;
pub mod metric;
mod roc_auc;
pub mod window;

pub use components::Components;
pub use logistic::Logistic;
pub use roc_auc::roc_auc;
