//! Sums of distances between all pairs of points.

use rayon::prelude::*;

use super::panels::{Panels, STEP};
use crate::Matrix;

/// Number of rows of a block: the rows they are compared with, and the results, stay in the caches.
const BLOCK: usize = STEP;

/// The squared distances `‖a − b‖²` of some rows to others, never negative.
pub struct Block<'a> {
    /// The first of the rows.
    pub first: usize,
    /// The number of other rows: the length of a row of `values`.
    pub cols: usize,
    /// The distances, one row after another.
    pub values: &'a mut [f32],
}

/// Applies `each` to the distances of all rows of `left` to all rows of `right`, block after block, on
/// all cores.
pub fn distances_between<T: Send>(
    left: &Matrix,
    right: &Matrix,
    each: impl Fn(Block<'_>) -> T + Sync,
) -> Vec<T> {
    let (panels, cols) = (Panels::new(left, right), right.rows());
    by_block(left.rows(), |first, rows, block| {
        block.resize(rows * cols, 0.0);
        panels.fill(block, cols, [first, 0], false);
        each(Block { first, cols, values: block })
    })
}

/// Applies `each` to the distances of all rows to themselves and later ones, block after block, on all
/// cores.
///
/// Row i of a block belongs to row `first + i`, and its value j is the distance to row `first + j`. Each
/// pair of different rows occurs once, at j > i.
pub fn distances_within<T: Send>(points: &Matrix, each: impl Fn(Block<'_>) -> T + Sync) -> Vec<T> {
    let panels = Panels::new(points, points);
    by_block(points.rows(), |first, rows, block| {
        let cols = points.rows() - first;
        block.resize(rows * cols, 0.0);
        panels.fill(block, cols, [first, first], true);
        each(Block { first, cols, values: block })
    })
}

impl Block<'_> {
    /// The distances of each row to later rows, in a block within one set of points.
    pub fn later(&self) -> impl Iterator<Item = &[f32]> {
        let rows = self.values.chunks_exact(self.cols);
        rows.enumerate().map(|(index, row)| &row[index + 1..])
    }
}

/// Applies `each` to all blocks. The blocks do not depend on the number of cores.
fn by_block<T: Send>(
    rows: usize,
    each: impl Fn(usize, usize, &mut Vec<f32>) -> T + Sync,
) -> Vec<T> {
    (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map_init(Vec::new, |block, number| {
            let first = number * BLOCK;
            each(first, BLOCK.min(rows - first), block)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_match_the_definition() {
        let a = Matrix::new(2, vec![0.0, 0.0, 3.0, 4.0, 1.0, 1.0]);
        let b = Matrix::new(2, vec![0.0, 0.0, 1.0, 1.0]);
        let between = distances_between(&a, &b, |block| block.values.to_vec()).concat();
        assert_eq!(between, [0.0, 2.0, 25.0, 13.0, 2.0, 0.0]);
        let within = distances_within(&a, |block| block.later().collect::<Vec<_>>().concat());
        assert_eq!(within.concat(), [25.0, 2.0, 13.0]);
    }

    #[test]
    fn blocks_hold_every_pair_once() {
        let rows = 3 * BLOCK + 5;
        let points = Matrix::new(1, (0..rows).map(|row| row as f32).collect());
        let all = |block: Block<'_>| block.values.iter().map(|d| f64::from(*d)).sum::<f64>();
        let between: f64 = distances_between(&points, &points, all).iter().sum();
        let later =
            |block: Block<'_>| -> f64 { block.later().flatten().map(|d| f64::from(*d)).sum() };
        let within: f64 = distances_within(&points, later).iter().sum();
        let exact: usize = (0..rows).flat_map(|a| (0..a).map(move |b| (a - b) * (a - b))).sum();
        assert_eq!((between, within), (2.0 * exact as f64, exact as f64));
    }
}
