//! The Cramér–von Mises test.

use super::per_column::column_test;
use super::steps::steps;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

column_test! {
    /// The two-sample Cramér–von Mises statistic, averaged over the dimensions. It resembles the
    /// Kolmogorov–Smirnov statistic, but uses all differences instead of the largest.
    ///
    /// ```text
    /// T = nm / (n+m)² · Σ over all values z of both samples, of (F(z) − G(z))²
    /// ```
    ///
    /// T is 0 for equal samples and grows with the samples. Without drift it is about 1/6 on average, and
    /// above 0.461 in one of twenty comparisons. At equal values, F − G moves in even steps from its value
    /// before them to its value after them. Equal samples therefore have T = 0, however many of their
    /// values are equal. (SciPy gives ties the mean of their ranks. Two samples of a single value then have
    /// a T as large as the samples.)
    ///
    /// The p-value of a dimension is that of the limit distribution, scaled to the mean and variance of T
    /// for n and m. For ten or more values in each sample and p-values below 0.1 its error is below 0.01.
    /// Ties reduce T without drift, so that the p-value is too large.
    ///
    /// Reference: T. W. Anderson, *On the Distribution of the Two-Sample Cramér–von Mises Criterion*,
    /// Annals of Mathematical Statistics 33 (1962), equation 9; limit: T. W. Anderson
    /// and D. A. Darling, *Asymptotic Theory of Certain "Goodness of Fit" Criteria*, ibid. 23 (1952); SciPy's `cramervonmises_2samp`.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![1.0, 2.0, 3.0, 4.0]);
    /// let current = Matrix::new(1, vec![3.5, 4.5, 5.5, 6.5]);
    /// let distance = CramerVonMises { threshold: 0.461.into() }.init().distance(&reference, &current);
    /// assert_eq!(distance, 0.5);
    /// ```
    CramerVonMises {
        /// Mean T; drift from this value on.
        threshold,
    }
}

/// T of two samples and its p-value.
fn test(x: &[f32], y: &[f32]) -> (f64, f64) {
    let value = statistic(x, y);
    (value, p_value(value, x.len(), y.len()))
}

/// T of two sorted samples.
fn statistic(x: &[f32], y: &[f32]) -> f64 {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let (mut passed, mut before, mut sum) = (0, 0.0, 0.0);
    steps(x, y, |i, j, _| {
        // equal values count as if they followed one another, evenly mixed.
        let (count, after) = ((i + j - passed) as f64, i as f64 / n - j as f64 / m);
        let step = (after - before) / count;
        sum += count * before * before
            + step * before * count * (count + 1.0)
            + step * step * count * (count + 1.0) * (2.0 * count + 1.0) / 6.0;
        (passed, before) = (i + j, after);
    });
    n * m / (n + m).powi(2) * sum
}

/// The probability of a T of at least `value` without drift.
fn p_value(value: f64, n: usize, m: usize) -> f64 {
    let (n, m) = (n as f64, m as f64);
    let all = n + m;
    let mean = (1.0 + 1.0 / all) / 6.0;
    let variance = (all + 1.0) * (4.0 * m * n * all - 3.0 * (m * m + n * n) - 2.0 * m * n)
        / (45.0 * all * all * 4.0 * m * n);
    // the limit has mean 1/6 and variance 1/45.
    let scaled = 1.0 / 6.0 + (value - mean) / (45.0 * variance).sqrt();
    if scaled < 0.003 { 1.0 } else { (1.0 - limit(scaled)).clamp(0.0, 1.0) }
}

/// The distribution function of the limit: `1/(π√x) Σ Γ(k+½)/(Γ(½) k!) √(4k+1) exp(−u) K(u)`, u =
/// (4k+1)²/16x. K is the modified Bessel function of the second kind of order ¼.
fn limit(x: f64) -> f64 {
    let (mut sum, mut coefficient) = (0.0, 1.0);
    for k in 0..100 {
        let odd = f64::from(4 * k + 1);
        let u = odd * odd / (16.0 * x);
        let term = coefficient * odd.sqrt() * (-2.0 * u).exp() * scaled_bessel(u);
        sum += term;
        if term.abs() < 1e-17 {
            break;
        }
        coefficient *= (f64::from(k) + 0.5) / f64::from(k + 1);
    }
    sum / (std::f64::consts::PI * x.sqrt())
}

/// `exp(u) K(u)` of order ¼: the integral over t ≥ 0 of `exp(−u(cosh t − 1)) cosh(t/4)`.
///
/// The trapezoid rule converges as fast as the integrand falls.
fn scaled_bessel(u: f64) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    let at = |t: f64| (-u * (t.cosh() - 1.0)).exp() * (t / 4.0).cosh();
    let rest = (1..).map(|k| at(f64::from(k) * STEP)).take_while(|value| *value > 1e-18);
    STEP * (0.5 + rest.sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_no_difference() {
        assert_eq!(statistic(&[0.0; 400], &[0.0; 200]), 0.0);
        assert_eq!(p_value(0.0, 400, 200), 1.0);
        // half of both samples is one value, as after a ReLU.
        let half =
            |n: u32| -> Vec<f32> { (0..n).map(|i| (i as f32 / n as f32 - 0.5).max(0.0)).collect() };
        let (x, y) = (half(400), half(200));
        assert!(p_value(statistic(&x, &y), 400, 200) > 0.9);
        // from 0 to 1 in two steps, and back.
        let path = 0.5f64.powi(2) + 1.0 + 0.5f64.powi(2);
        assert_eq!(statistic(&[0.0, 0.0], &[1.0, 1.0]), 2.0 * 2.0 / 16.0 * path);
    }
}
