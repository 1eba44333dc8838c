//! The chi-squared test.

use super::per_column::column_test;
use super::steps::steps;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

column_test! {
    /// Pearson's χ² of categories, averaged over the dimensions.
    ///
    /// ```text
    /// χ² = Σ over both samples and all categories of (O − E)² / E     E: as if both were of one mixture
    /// ```
    ///
    /// Each value is a category. χ² is 0 or more. It grows with the samples, so that a p-value is a better
    /// criterion than a bound. The p-value of a dimension is that of the χ² distribution whose degrees of
    /// freedom are the number of categories less one. It is accurate if E is 5 or more, as is usual without
    /// Yates' correction. Continuous values have no categories: see [`Ks`](super::Ks).
    ///
    /// Reference: K. Pearson, Philosophical Magazine 50 (1900); SciPy's `chi2_contingency` with
    /// `correction=False`.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![0.0, 0.0, 0.0, 1.0]);
    /// let current = Matrix::new(1, vec![0.0, 1.0, 1.0, 1.0]);
    /// assert_eq!(ChiSquared { threshold: 3.84.into() }.init().distance(&reference, &current), 2.0);
    /// ```
    ChiSquared {
        /// Mean χ²; drift from this value on.
        threshold,
    }
}

/// χ² of two samples.
fn statistic(x: &[f32], y: &[f32]) -> f64 {
    by_category(x, y).0
}

/// χ² of two samples and its p-value.
fn test(x: &[f32], y: &[f32]) -> (f64, f64) {
    let (value, categories) = by_category(x, y);
    (value, survival(value, categories - 1))
}

/// χ² of two sorted samples, and the number of categories.
fn by_category(x: &[f32], y: &[f32]) -> (f64, u32) {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let (mut before, mut sum, mut categories) = ([0, 0], 0.0, 0);
    steps(x, y, |i, j, _| {
        let observed = [(i - before[0]) as f64, (j - before[1]) as f64];
        let share = (observed[0] + observed[1]) / (n + m);
        for (observed, size) in observed.into_iter().zip([n, m]) {
            let expected = share * size;
            sum += (observed - expected).powi(2) / expected;
        }
        (before, categories) = ([i, j], categories + 1);
    });
    (sum, categories)
}

/// The probability that χ² with `freedom` degrees of freedom is `x` or more: the regularized incomplete gamma
/// function Q(k/2, x/2), which is a finite sum for whole k.
pub(crate) fn survival(x: f64, freedom: u32) -> f64 {
    let half = x / 2.0;
    if freedom == 0 || half <= 0.0 {
        return 1.0;
    }
    let odd = freedom % 2 == 1;
    let first = if odd { libm::erfc(half.sqrt()) } else { 0.0 };
    let offset = if odd { 0.5 } else { 0.0 };
    // computed in logarithms: powers and factorials of many categories would overflow.
    let term = |i: u32| {
        let power = f64::from(i) + offset;
        (power * half.ln() - half - libm::lgamma(power + 1.0)).exp()
    };
    (first + (0..freedom / 2).map(term).sum::<f64>()).min(1.0)
}
