//! Drift: distances between samples of two distributions, and the windows they compare.
//!
//! Pure mathematics on matrices and numbers; [`crate::trigger::Drift`] puts it to use.

mod components;
mod logistic;
pub mod metric;
mod roc_auc;
pub mod window;

pub use components::Components;
pub use logistic::Logistic;
pub use roc_auc::roc_auc;
