//! The Hellinger distance.

use super::histogram::histogram_metric;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

histogram_metric! {
    /// The Hellinger distance of histograms, averaged over the dimensions.
    ///
    /// ```text
    /// H = √(1 − Σ √(pᵢ qᵢ))
    /// ```
    ///
    /// Between 0 (equal) and 1 (apart).
    /// p and q are the shares of the reference and of the current sample in common bins. If the
    /// reference has at most 20 different values, each value is a bin. Otherwise there are `bins` bins of
    /// equal width over both samples; the default number is that of Sturges' rule, ⌈1 + log₂(n+m)⌉.
    ///
    /// Reference: E. Hellinger, *Neue Begründung der Theorie quadratischer Formen*, Crelle 136 (1909).
    /// Evidently applies Sturges' rule to the number of different values instead of all values, and Frouros
    /// always uses ten bins.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![0.0, 0.0, 1.0, 1.0]);
    /// let current = Matrix::new(1, vec![0.0, 2.0, 2.0, 2.0]);
    /// let distance = Hellinger { threshold: 0.1.into(), bins: None }.init().distance(&reference, &current);
    /// assert!((distance - (1.0 - 0.125f64.sqrt()).sqrt()).abs() < 1e-12);
    /// ```
    Hellinger {
        /// Mean H; drift from this value on.
        threshold,
    }
}

fn distance(p: &[f64], q: &[f64]) -> f64 {
    let overlap: f64 = p.iter().zip(q).map(|(p, q)| (p * q).sqrt()).sum();
    // rounding must not make it negative.
    (1.0 - overlap).max(0.0).sqrt()
}
