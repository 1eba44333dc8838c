//! The population stability index.

use super::histogram::{filled, histogram_metric};

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

histogram_metric! {
    /// The population stability index of histograms, averaged over the dimensions.
    ///
    /// ```text
    /// PSI = Σ (pᵢ − qᵢ) ln(pᵢ/qᵢ)
    /// ```
    ///
    /// PSI is 0 or more. Values below 0.1 are commonly called stable, and values above 0.25 changed.
    /// p and q are the shares of the reference and of the current sample in common bins. If the
    /// reference has at most 20 different values, each value is a bin. Otherwise there are `bins` bins of
    /// equal width over both samples; the default number is that of Sturges' rule, ⌈1 + log₂(n+m)⌉.
    /// A bin that is empty in one of the samples counts as 0.0001 there (or as a millionth of the
    /// smallest share, if that is not more).
    ///
    /// Reference: B. Yurdakul, *Statistical Properties of Population Stability Index* (2018); empty bins as
    /// in Evidently 0.4. Frouros replaces 0 by the smallest positive number, so that every empty bin is
    /// drift.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![0.0, 0.0, 1.0, 1.0]);
    /// let current = Matrix::new(1, vec![0.0, 1.0, 1.0, 1.0]);
    /// let distance = Psi { threshold: 0.1.into(), bins: None }.init().distance(&reference, &current);
    /// assert!((distance - 0.25 * 3.0f64.ln()).abs() < 1e-12);
    /// ```
    Psi {
        /// Mean PSI; drift from this value on.
        threshold,
    }
}

fn distance(p: &[f64], q: &[f64]) -> f64 {
    let (p, q) = (filled(p), filled(q));
    p.iter().zip(&q).map(|(p, q)| (p - q) * (p / q).ln()).sum()
}
