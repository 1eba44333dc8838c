//! The total variation distance.

use super::histogram::histogram_metric;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

histogram_metric! {
    /// The total variation distance of histograms, averaged over the dimensions. It is the share of samples
    /// that would have to change bins.
    ///
    /// ```text
    /// TV = ½ Σ |pᵢ − qᵢ|
    /// ```
    ///
    /// Between 0 (equal) and 1 (apart).
    /// p and q are the shares of the reference and of the current sample in common bins. If the
    /// reference has at most 20 different values, each value is a bin. Otherwise there are `bins` bins of
    /// equal width over both samples; the default number is that of Sturges' rule, ⌈1 + log₂(n+m)⌉.
    ///
    /// Reference: A. L. Gibbs and F. E. Su, *On Choosing and Bounding Probability Metrics*,
    /// International Statistical Review 70 (2002).
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![0.0, 0.0, 1.0, 1.0]);
    /// let current = Matrix::new(1, vec![0.0, 2.0, 2.0, 2.0]);
    /// let config = TotalVariation { threshold: 0.1.into(), bins: None };
    /// assert_eq!(config.init().distance(&reference, &current), 0.75);
    /// ```
    TotalVariation {
        /// Mean TV; drift from this value on.
        threshold,
    }
}

fn distance(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}
