//! Fisher's exact test.

use super::per_column::column_test;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

column_test! {
    /// The difference of the shares of one of two categories, averaged over the dimensions, with Fisher's
    /// exact test.
    ///
    /// ```text
    /// distance = |a/n − b/m|     a, b: counts of the lowest value of both samples in each
    /// ```
    ///
    /// The difference is between 0 and 1. The metric is for dimensions with two values. If there are more,
    /// the lowest is compared with all others. The p-value of a dimension is that of the two-sided test:
    /// the probability of all tables with the same margins that are at most as probable as the observed
    /// one.
    ///
    /// Reference: R. A. Fisher, *Statistical Methods for Research Workers* (1934), §21.02; SciPy's
    /// `fisher_exact`.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![0.0, 0.0, 0.0, 1.0]);
    /// let current = Matrix::new(1, vec![0.0, 1.0, 1.0, 1.0]);
    /// assert_eq!(Fisher { threshold: 0.4.into() }.init().distance(&reference, &current), 0.5);
    /// ```
    Fisher {
        /// Mean difference of the shares; drift from this value on.
        threshold,
    }
}

/// The difference of the shares and its p-value.
fn test(x: &[f32], y: &[f32]) -> (f64, f64) {
    (statistic(x, y), p_value(lowest(x, y), [x.len(), y.len()]))
}

/// The frequency of the lowest value in each of two sorted samples.
fn lowest(x: &[f32], y: &[f32]) -> [usize; 2] {
    let lowest = x[0].min(y[0]);
    [x, y].map(|sample| sample.partition_point(|value| *value <= lowest))
}

fn statistic(x: &[f32], y: &[f32]) -> f64 {
    let [a, b] = lowest(x, y);
    (a as f64 / x.len() as f64 - b as f64 / y.len() as f64).abs()
}

/// The probability that samples of `n` and `m` differ at least as much as those with `a` and `b` in one of
/// two categories.
pub(crate) fn p_value([a, b]: [usize; 2], [n, m]: [usize; 2]) -> f64 {
    let both = a + b;
    let choose = |n: usize, k: usize| {
        let factorial = |k: usize| libm::lgamma(k as f64 + 1.0);
        factorial(n) - factorial(k) - factorial(n - k)
    };
    let all = choose(n + m, both);
    let likelihood = |a: usize| (choose(n, a) + choose(m, both - a) - all).exp();
    // equal tables may differ by rounding.
    let most = likelihood(a) * (1.0 + 1e-7);
    let tables = both.saturating_sub(m)..=both.min(n);
    tables.map(likelihood).filter(|own| *own <= most).sum::<f64>().min(1.0)
}
