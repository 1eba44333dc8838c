//! The generalized Pareto tail.

/// A generalized Pareto distribution of the excesses of values over a high value.
///
/// ```text
/// P(X > x) = (1 − κ x / α)^(1/κ)          exp(−x / α) for κ = 0
/// ```
///
/// Fitted by probability-weighted moments: with x₁ ≤ … ≤ xₘ,
///
/// ```text
/// a₀ = 1/m Σ xᵢ,  a₁ = 1/m Σ (m − i)/(m − 1) xᵢ
/// κ = a₀ / (a₀ − 2 a₁) − 2,  α = 2 a₀ a₁ / (a₀ − 2 a₁)
/// ```
///
/// Reference: J. R. M. Hosking, J. R. Wallis, *Parameter and Quantile Estimation for the Generalized
/// Pareto Distribution*, Technometrics 29 (1987), whose k is κ.
///
/// ```
/// use driftmill_operators::calibration::Pareto;
/// // quantiles of an exponential distribution of mean 2.
/// let excesses: Vec<f64> = (0..1000).map(|i| -2.0 * (1.0 - (i as f64 + 0.5) / 1000.0).ln()).collect();
/// let tail = Pareto::fit(&excesses).unwrap();
/// assert!((tail.scale - 2.0).abs() < 0.01 && tail.shape.abs() < 0.01);
/// assert!((tail.exceeded_with(0.01) - 2.0 * 100.0f64.ln()).abs() < 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pareto {
    /// κ, above −1. If it is above 0, the tail is bounded; if below 0, heavier than exponential.
    pub shape: f64,
    /// α, in units of the values.
    pub scale: f64,
}

impl Pareto {
    /// Fits the distribution to `excesses` (0 or more, in any order); none if all are equal.
    pub fn fit(excesses: &[f64]) -> Option<Self> {
        let mut sorted = excesses.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let mean = sorted.iter().sum::<f64>() / count;
        let weighted = |(i, x): (usize, &f64)| (count - 1.0 - i as f64) / (count - 1.0) * x;
        let moment = sorted.iter().enumerate().map(weighted).sum::<f64>() / count;
        let spread = mean - 2.0 * moment;
        // if sums overflow, `spread` is NaN and the comparison is false.
        let varies = spread > 1e-9 * mean;
        varies.then(|| Self { shape: mean / spread - 2.0, scale: 2.0 * mean * (moment / spread) })
    }

    /// The value that is exceeded with probability `chance`.
    pub fn exceeded_with(&self, chance: f64) -> f64 {
        let power = self.shape * chance.ln();
        // the limit for κ → 0, where the quotient would lose all precision.
        if power.abs() < 1e-12 {
            return -self.scale * chance.ln();
        }
        -self.scale * power.exp_m1() / self.shape
    }
}
