//! A matrix of 32-bit floats.

use serde::{Deserialize, Serialize};

/// A dense matrix of `f32`, row after row: one row per sample, one column per dimension.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    cols: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// Creates the matrix whose rows of `cols` values follow one another in `values`.
    ///
    /// # Panics
    /// When `values` does not hold whole rows.
    pub fn new(cols: usize, values: Vec<f32>) -> Self {
        assert!(
            values.is_empty() || cols > 0 && values.len().is_multiple_of(cols),
            "{} values are not rows of {cols}",
            values.len()
        );
        Self { cols, values }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.cols).unwrap_or(0)
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Row `row`.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.cols..][..self.cols]
    }

    /// Values of column `col`, from the first row to the last.
    pub fn col(&self, col: usize) -> impl Iterator<Item = f32> + '_ {
        self.values.iter().skip(col).step_by(self.cols.max(1)).copied()
    }

    /// The first `rows` rows and the rest.
    pub fn split_rows(mut self, rows: usize) -> (Self, Self) {
        let rest = self.values.split_off(rows * self.cols);
        let cols = self.cols;
        (self, Self { cols, values: rest })
    }
}
