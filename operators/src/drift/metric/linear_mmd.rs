//! The maximum mean discrepancy, estimated in linear time.

use super::{Kernel, Metric, Tested};
use crate::Matrix;
use crate::criterion::Significance;

/// [`Mmd`](super::Mmd), estimated from pairs of neighbours.
pub(super) struct LinearMmd;

impl Metric for LinearMmd {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        mean_and_error(reference, current).0
    }

    fn test(&mut self, reference: &Matrix, current: &Matrix, _: &Significance) -> Tested {
        let (value, error) = mean_and_error(reference, current);
        // the mean of many independent values is normal.
        let p_value = if error > 0.0 {
            0.5 * libm::erfc(value / error * std::f64::consts::FRAC_1_SQRT_2)
        } else if value > 0.0 {
            0.0
        } else {
            1.0
        };
        Tested { value, p_values: vec![p_value] }
    }
}

/// The mean of h and its standard error. Both are 0 without pairs, and the error is 0 with one pair.
fn mean_and_error(x: &Matrix, y: &Matrix) -> (f64, f64) {
    let neighbours = (0..x.rows() / 2).map(|pair| squared_distance(x, y, [2 * pair, 2 * pair + 1]));
    let kernel = Kernel::median(&mut neighbours.map(|distances| distances[0]).collect::<Vec<_>>());
    let pairs = x.rows().min(y.rows()) / 2;
    if pairs == 0 {
        return (0.0, 0.0);
    }
    let h = |pair: usize| {
        let rows = [2 * pair, 2 * pair + 1];
        let [xx, yy, xy, yx] = squared_distance(x, y, rows).map(|distance| kernel.of(distance));
        xx + yy - xy - yx
    };
    let values: Vec<f64> = (0..pairs).map(h).collect();
    let mean = values.iter().sum::<f64>() / pairs as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (pairs - 1).max(1) as f64 / pairs as f64).sqrt();
    (mean, error)
}

/// The squared distances of two neighbours: within x, within y, and from one to the other in both
/// directions. A missing row counts as equal.
fn squared_distance(x: &Matrix, y: &Matrix, [first, second]: [usize; 2]) -> [f32; 4] {
    let between = |a: &Matrix, i: usize, b: &Matrix, j: usize| {
        if i >= a.rows() || j >= b.rows() {
            return 0.0;
        }
        a.row(i).iter().zip(b.row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
    };
    [
        between(x, first, x, second),
        between(y, first, y, second),
        between(x, first, y, second),
        between(x, second, y, first),
    ]
}
