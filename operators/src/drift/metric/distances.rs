use gemm::Parallelism;

use crate::Matrix;

/// Rows at a time: what they are compared with then stays in the nearer caches, and so do the
/// results.
const BLOCK: usize = 32;

/// Calls `each` with `‖a − b‖²` for every row a of `left` and b of `right`; never negative.
pub fn distances_between(left: &Matrix, right: &Matrix, mut each: impl FnMut(&[f32])) {
    let norms = [left, right].map(squared_norms);
    let mut block = Vec::new();
    for first in (0..left.rows()).step_by(BLOCK) {
        let rows = BLOCK.min(left.rows() - first);
        fill(&mut block, [left, right], &norms, [first, 0], rows);
        each(&block);
    }
}

/// Calls `each` with `‖a − b‖²` for every pair of different rows, each pair once; never negative.
pub fn distances_within(points: &Matrix, mut each: impl FnMut(&[f32])) {
    let norms = squared_norms(points);
    let norms = [norms.clone(), norms];
    let mut block = Vec::new();
    for first in (0..points.rows()).step_by(BLOCK) {
        let rows = BLOCK.min(points.rows() - first);
        fill(&mut block, [points, points], &norms, [first, first], rows);
        for (index, row) in block.chunks_exact(points.rows() - first).enumerate() {
            each(&row[index + 1..]);
        }
    }
}

/// Fills `block` with the distances of `rows` rows of the left matrix to all of the right one,
/// each from its first row on.
fn fill(
    block: &mut Vec<f32>,
    [left, right]: [&Matrix; 2],
    [left_norms, right_norms]: &[Vec<f32>; 2],
    [left_first, right_first]: [usize; 2],
    rows: usize,
) {
    let (left_norms, right_norms) =
        (&left_norms[left_first..][..rows], &right_norms[right_first..]);
    let (width, cols) = (left.cols(), right_norms.len());
    block.resize(rows * cols, 0.0);
    if block.is_empty() {
        return;
    }
    for (row, a) in block.chunks_exact_mut(cols).zip(left_norms) {
        row.iter_mut().zip(right_norms).for_each(|(distance, b)| *distance = a + b);
    }
    let (left, right) =
        (&left.values()[left_first * width..], &right.values()[right_first * width..]);
    assert!(left.len() >= rows * width && right.len() == cols * width, "points of another width");
    // block ← block − 2 · left · rightᵀ
    #[expect(unsafe_code, reason = "gemm takes pointers; the assertion above is its contract")]
    unsafe {
        gemm::gemm(
            rows,
            cols,
            width,
            block.as_mut_ptr(),
            1,
            cols as isize,
            true,
            left.as_ptr(),
            1,
            width as isize,
            right.as_ptr(),
            width as isize,
            1,
            1.0f32,
            -2.0f32,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
    block.iter_mut().for_each(|distance| *distance = if *distance > 0.0 { *distance } else { 0.0 });
}

fn squared_norms(matrix: &Matrix) -> Vec<f32> {
    (0..matrix.rows()).map(|row| matrix.row(row).iter().map(|value| value * value).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_match_the_definition() {
        let a = Matrix::new(2, vec![0.0, 0.0, 3.0, 4.0, 1.0, 1.0]);
        let b = Matrix::new(2, vec![0.0, 0.0, 1.0, 1.0]);
        let mut between = Vec::new();
        distances_between(&a, &b, |distances| between.extend_from_slice(distances));
        assert_eq!(between, [0.0, 2.0, 25.0, 13.0, 2.0, 0.0]);
        let mut within = Vec::new();
        distances_within(&a, |distances| within.extend_from_slice(distances));
        assert_eq!(within, [25.0, 2.0, 13.0]);
    }

    #[test]
    fn blocks_hold_every_pair_once() {
        let rows = 3 * BLOCK + 5;
        let points = Matrix::new(1, (0..rows).map(|row| row as f32).collect());
        let (mut between, mut within) = (0.0, 0.0);
        distances_between(&points, &points, |d| between += d.iter().sum::<f32>());
        distances_within(&points, |d| within += d.iter().sum::<f32>());
        let exact: usize = (0..rows).flat_map(|a| (0..a).map(move |b| (a - b) * (a - b))).sum();
        assert_eq!((between, within), (2.0 * exact as f32, exact as f32));
    }
}
