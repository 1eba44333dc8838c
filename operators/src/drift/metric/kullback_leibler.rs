//! The Kullback–Leibler divergence.

use super::histogram::{filled, histogram_metric};

pub(super) const EXAMPLE: &str = "threshold = { p_value = 0.01 }";

histogram_metric! {
    /// The Kullback–Leibler divergence of the current histogram from that of the reference, averaged over
    /// the dimensions.
    ///
    /// ```text
    /// KL = Σ pᵢ ln(pᵢ/qᵢ)
    /// ```
    ///
    /// KL is in nats and 0 or more. It is not symmetric.
    /// p and q are the shares of the reference and of the current sample in common bins. If the
    /// reference has at most 20 different values, each value is a bin. Otherwise there are `bins` bins of
    /// equal width over both samples; the default number is that of Sturges' rule, ⌈1 + log₂(n+m)⌉.
    /// A bin that is empty in one of the samples counts as 0.0001 there (or as a millionth of the smallest
    /// share, if that is less). The shares are then scaled to sum to 1.
    ///
    /// Reference: S. Kullback and R. A. Leibler, *On Information and Sufficiency*, Annals of Mathematical
    /// Statistics 22 (1951); empty bins as in Evidently 0.4.
    ///
    /// ```
    /// use driftmill_operators::{Matrix, drift::metric::*};
    /// let reference = Matrix::new(1, vec![0.0, 0.0, 1.0, 1.0]);
    /// let current = Matrix::new(1, vec![0.0, 1.0, 1.0, 1.0]);
    /// let config = KullbackLeibler { threshold: 0.1.into(), bins: None };
    /// let distance = config.init().distance(&reference, &current);
    /// assert!((distance - 0.5 * (4.0f64 / 3.0).ln()).abs() < 1e-12);
    /// ```
    KullbackLeibler {
        /// Mean KL; drift from this value on.
        threshold,
    }
}

fn distance(p: &[f64], q: &[f64]) -> f64 {
    let (p, q) = (filled(p), filled(q));
    let (all_p, all_q) = (p.iter().sum::<f64>(), q.iter().sum::<f64>());
    p.iter().zip(&q).map(|(p, q)| p / all_p * (p / all_p / (q / all_q)).ln()).sum::<f64>().max(0.0)
}
