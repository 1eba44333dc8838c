//! The permutation test.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::Tested;
use crate::Matrix;
use crate::criterion::Significance;

/// Splits n + m shuffled rows into n and m. Each split lists the rows of its first part.
pub(super) fn splits(
    significance: &Significance,
    [n, m]: [usize; 2],
) -> impl Iterator<Item = Vec<usize>> + use<> {
    let mut random = Pcg64::seed_from_u64(significance.seed);
    let mut order: Vec<usize> = (0..n + m).collect();
    (0..significance.permutations.get()).map(move |_| {
        order.shuffle(&mut random);
        order.clone()
    })
}

/// The share of shuffles whose distance is at least `value`.
///
/// Distances that differ by at most `rounding` count as equal.
pub(super) fn p_value(value: f64, rounding: f64, shuffled: impl Iterator<Item = f64>) -> f64 {
    let least = value - rounding;
    let (mut as_large, mut all) = (0u32, 0u32);
    for distance in shuffled {
        all += 1;
        as_large += u32::from(distance >= least);
    }
    f64::from(as_large + 1) / f64::from(all + 1)
}

/// Tests any distance by shuffling.
pub(super) fn by_shuffling(
    distance: &mut dyn FnMut(&Matrix, &Matrix) -> f64,
    [reference, current]: [&Matrix; 2],
    significance: &Significance,
) -> Tested {
    let value = distance(reference, current);
    let rows = [reference, current].map(Matrix::rows);
    let row = |index: &usize| match index.checked_sub(rows[0]) {
        None => reference.row(*index),
        Some(index) => current.row(index),
    };
    let matrix = |indices: &[usize]| {
        Matrix::new(reference.cols(), indices.iter().flat_map(row).copied().collect())
    };
    let shuffled = splits(significance, rows).map(|order| {
        let (first, second) = order.split_at(rows[0]);
        distance(&matrix(first), &matrix(second))
    });
    let p_value = p_value(value, 1e-9 * value.abs(), shuffled);
    Tested { value, p_values: vec![p_value] }
}
