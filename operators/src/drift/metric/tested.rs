//! The result of a test for drift.

/// A distance and its p-values: one, or one for each dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// The distance.
    pub value: f64,
    /// The p-values, between 0 and 1.
    pub p_values: Vec<f64>,
}
