//! The Kolmogorov–Smirnov test.

use super::per_column::column_test;
use super::steps::steps;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

/// Maximum number of pairs of values for which the p-value is exact.
const EXACT: usize = 10_000;

column_test! {
    /// The two-sample Kolmogorov–Smirnov statistic, averaged over the dimensions.
    ///
    /// ```text
    /// D = sup over x of |F(x) − G(x)|     F, G: the samples' empirical distribution functions
    /// ```
    ///
    /// Between 0 (equal) and 1 (apart). The p-value of a dimension is exact for n·m ≤ 10,000,
    /// by counting the paths through the n × m grid that stay nearer than D to the diagonal. Otherwise it
    /// is that of the limit distribution with Stephens' correction, with an error of at most 0.007 for
    /// p-values below 0.1. Ties make both too large, so that the test is conservative.
    ///
    /// Reference: N. Smirnov, *Table for Estimating the Goodness of Fit of Empirical Distributions*,
    /// Annals of Mathematical Statistics 19 (1948); averaged over dimensions as in Modyn. Paths:
    /// J. L. Hodges, *The Significance Probability of the Smirnov Two-Sample Test*, Arkiv för Matematik 3
    /// (1958). Correction: M. A. Stephens, Journal of the Royal Statistical Society B 32 (1970).
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![1.0, 2.0, 3.0, 4.0]);
    /// let current = Matrix::new(1, vec![3.0, 4.0, 5.0, 6.0]);
    /// assert_eq!(Ks { threshold: 0.1.into() }.init().distance(&reference, &current), 0.5);
    /// ```
    Ks {
        /// Mean D; drift from this value on.
        threshold,
    }
}

/// D of two samples and its p-value.
fn test(x: &[f32], y: &[f32]) -> (f64, f64) {
    let (gap, pairs) = (largest_gap(x, y), x.len() * y.len());
    (gap as f64 / pairs as f64, p_value(gap, x.len(), y.len()))
}

/// D of two sorted samples.
fn statistic(x: &[f32], y: &[f32]) -> f64 {
    largest_gap(x, y) as f64 / (x.len() * y.len()) as f64
}

/// n·m·D, a whole number.
fn largest_gap(x: &[f32], y: &[f32]) -> usize {
    let (n, m) = (x.len(), y.len());
    let mut largest = 0;
    steps(x, y, |i, j, _| largest = largest.max((i * m).abs_diff(j * n)));
    largest
}

fn p_value(gap: usize, n: usize, m: usize) -> f64 {
    if n * m <= EXACT {
        return exact(gap, n, m);
    }
    let root = (n as f64 * m as f64 / (n + m) as f64).sqrt();
    limit((root + 0.12 + 0.11 / root) * gap as f64 / (n * m) as f64)
}

/// The share of the paths from one corner of the n × m grid to the other that reach a distance of `gap`
/// or more from the diagonal.
fn exact(gap: usize, n: usize, m: usize) -> f64 {
    let beyond = |i: usize, j: usize| (i * m).abs_diff(j * n) >= gap;
    // the share of the paths to (i, j) that were beyond, one row of the grid at a time.
    let mut row = vec![0.0f64; m + 1];
    for i in 0..=n {
        for j in 0..=m {
            let from_left = if j > 0 { row[j - 1] * j as f64 } else { 0.0 };
            let from_below = if i > 0 { row[j] * i as f64 } else { 0.0 };
            row[j] = match i + j {
                _ if beyond(i, j) => 1.0,
                0 => 0.0,
                steps => (from_left + from_below) / steps as f64,
            };
        }
    }
    row[m]
}

/// The upper tail of Kolmogorov's distribution: 2 Σ (−1)^(k−1) exp(−2k²z²).
fn limit(z: f64) -> f64 {
    // the series converges slowly for small z, where the result is 1.
    if z < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * (f64::from(k) * z).powi(2)).exp()
    };
    (2.0 * (1..=20).map(term).sum::<f64>()).clamp(0.0, 1.0)
}
