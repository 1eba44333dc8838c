//! Ridge regression of one variable, with an intercept.
//!
//! Reference: A. E. Hoerl, R. W. Kennard, *Ridge Regression: Biased Estimation for Nonorthogonal
//! Problems*, Technometrics 12 (1970).

/// The slope of y on x, from the sum of squares of x and the sum of products of x and y, both of deviations
/// from the means. It is 0 if all x are equal and there is no penalty.
pub(super) fn slope(squares: f64, products: f64, penalty: f64) -> f64 {
    let divisor = squares + penalty;
    if divisor > 0.0 { products / divisor } else { 0.0 }
}

/// The value at `x` of the line through `points`; none without points.
pub(super) fn predict(points: &[(f64, f64)], penalty: f64, x: f64) -> Option<f64> {
    let n = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (mean_x, mean_y) = (!points.is_empty()).then(|| (sum_x / n, sum_y / n))?;
    let squares = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let products = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    Some(mean_y + slope(squares, products, penalty) * (x - mean_x))
}
