//! The Jensen–Shannon distance.

use super::histogram::histogram_metric;

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

histogram_metric! {
    /// The Jensen–Shannon distance of histograms, averaged over the dimensions.
    ///
    /// ```text
    /// JS = √(½ Σ pᵢ ln(pᵢ/mᵢ) + ½ Σ qᵢ ln(qᵢ/mᵢ))        m = ½ (p + q)
    /// ```
    ///
    /// Between 0 (equal) and √ln 2 ≈ 0.833 (apart).
    /// p and q are the shares of the reference and of the current sample in common bins. If the
    /// reference has at most 20 different values, each value is a bin. Otherwise there are `bins` bins of
    /// equal width over both samples; the default number is that of Sturges' rule, ⌈1 + log₂(n+m)⌉.
    ///
    /// Reference: J. Lin, *Divergence Measures Based on the Shannon Entropy*, IEEE Transactions on
    /// Information Theory 37 (1991); the distance is in nats, as in SciPy and Evidently (NannyML uses
    /// bits).
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![0.0, 0.0, 1.0, 1.0]);
    /// let current = Matrix::new(1, vec![2.0, 2.0, 2.0, 2.0]);
    /// let config = JensenShannon { threshold: 0.1.into(), bins: None };
    /// let distance = config.init().distance(&reference, &current);
    /// assert!((distance - 2.0f64.ln().sqrt()).abs() < 1e-12);
    /// ```
    JensenShannon {
        /// Mean JS; drift from this value on.
        threshold,
    }
}

fn distance(p: &[f64], q: &[f64]) -> f64 {
    let half = |share: f64, mean: f64| if share > 0.0 { share * (share / mean).ln() } else { 0.0 };
    let both = |(p, q): (&f64, &f64)| {
        let mean = (p + q) / 2.0;
        half(*p, mean) + half(*q, mean)
    };
    (p.iter().zip(q).map(both).sum::<f64>() / 2.0).max(0.0).sqrt()
}
