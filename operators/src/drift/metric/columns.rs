use crate::Matrix;

/// Each column's values in ascending order.
pub fn sorted_columns(matrix: &Matrix) -> Vec<Vec<f32>> {
    (0..matrix.cols())
        .map(|col| {
            let mut values: Vec<f32> = matrix.col(col).collect();
            values.sort_unstable_by(f32::total_cmp);
            values
        })
        .collect()
}
