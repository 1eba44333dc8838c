//! Principal components.

use nalgebra::{DMatrix, SymmetricEigen};

use crate::Matrix;

/// Directions with a variance below this share of the largest hold only rounding errors.
const NOISE: f64 = 1e-6;

/// Principal components: the orthogonal directions along which points vary most.
///
/// ```text
/// z = Vᵀ (x − mean)    V: leading eigenvectors of the covariance of the points
/// ```
///
/// Directions with less than a millionth of the largest variance are left out: they hold rounding
/// errors. Finding them costs O(n·d² + d³).
///
/// Reference: I. T. Jolliffe, *Principal Component Analysis* (2002).
///
/// ```
/// use driftmill_operators::{Matrix, drift::Components};
/// let points = Matrix::new(2, vec![0.0, 0.0, 3.0, 4.0, 6.0, 8.0]);
/// let scores = Components::of(&points, 2).scores(&points);
/// assert_eq!(scores.cols(), 1);
/// let along: Vec<f32> = scores.col(0).map(|score| score.round()).collect();
/// assert_eq!(along, [-5.0, 0.0, 5.0]);
/// ```
pub struct Components {
    mean: Vec<f64>,
    /// One direction per row.
    directions: Vec<Vec<f64>>,
    variances: Vec<f64>,
}

impl Components {
    /// Finds the leading components of `points`, at most `most`.
    pub fn of(points: &Matrix, most: usize) -> Self {
        let (rows, cols) = (points.rows() as f64, points.cols());
        let mean: Vec<f64> =
            (0..cols).map(|col| points.col(col).map(f64::from).sum::<f64>() / rows).collect();
        let centred = DMatrix::from_fn(points.rows(), cols, |row, col| {
            f64::from(points.row(row)[col]) - mean[col]
        });
        let eigen = SymmetricEigen::new(centred.tr_mul(&centred) / (rows - 1.0).max(1.0));
        let mut order: Vec<usize> = (0..cols).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let floor = eigen.eigenvalues[order[0]].max(f64::MIN_POSITIVE) * NOISE;
        order.retain(|&i| eigen.eigenvalues[i] > floor);
        order.truncate(most);
        let direction = |&i: &usize| facing_up(eigen.eigenvectors.column(i).iter().copied());
        Self {
            directions: order.iter().map(direction).collect(),
            variances: order.iter().map(|&i| eigen.eigenvalues[i]).collect(),
            mean,
        }
    }

    /// The same directions, in units of the standard deviation along each.
    pub fn whitened(mut self) -> Self {
        for (direction, variance) in self.directions.iter_mut().zip(&mut self.variances) {
            direction.iter_mut().for_each(|weight| *weight /= variance.sqrt());
            *variance = 1.0;
        }
        self
    }

    /// The points in coordinates along the directions.
    pub fn scores(&self, points: &Matrix) -> Matrix {
        // constant points have no direction left: they are all equal.
        if self.directions.is_empty() {
            return Matrix::new(1, vec![0.0; points.rows()]);
        }
        let mut out = Vec::with_capacity(points.rows() * self.directions.len());
        for row in 0..points.rows() {
            let row = points.row(row);
            out.extend(self.directions.iter().map(|direction| {
                let along: f64 = direction
                    .iter()
                    .zip(row.iter().zip(&self.mean))
                    .map(|(weight, (value, mean))| weight * (f64::from(*value) - mean))
                    .sum();
                along as f32
            }));
        }
        Matrix::new(self.directions.len(), out)
    }
}

/// The direction or its opposite, so that its largest weight is above zero.
fn facing_up(direction: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut direction: Vec<f64> = direction.collect();
    let largest =
        direction.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    if largest < 0.0 {
        direction.iter_mut().for_each(|weight| *weight = -*weight);
    }
    direction
}
