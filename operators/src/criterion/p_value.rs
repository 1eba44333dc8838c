//! Significance levels, and corrections for several tests.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// Fires when the measured distance is significant: p < `p_value`.
///
/// p is the probability of a distance at least as large without drift.
///
/// If the metric's distribution without drift is known, the p-value follows from it
/// (Kolmogorov–Smirnov, Cramér–von Mises, χ², Fisher, linear MMD). Otherwise it is estimated by a
/// permutation test: the rows of both samples are shuffled and split `permutations` times, and
///
/// ```text
/// p = (b + 1) / (B + 1)      b: shuffled distances not below the measured one,  B: permutations
/// ```
///
/// which is never 0: with 100 permutations p is at least 0.0099.
///
/// Reference: B. Phipson and G. K. Smyth, *Permutation P-values Should Never Be Zero*, Statistical
/// Applications in Genetics and Molecular Biology 9 (2010).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Significance {
    /// The significance level: a p-value below it fires. Above 0 and at most 1.
    pub p_value: f64,
    /// Number of permutations if the distribution is not known (default 100).
    #[serde(default = "crate::defaults::count::<100>")]
    pub permutations: NonZeroUsize,
    /// Seed of the permutations (default 0).
    #[serde(default)]
    pub seed: u64,
    /// Correction for several tests, one for each dimension (default `bonferroni`).
    #[serde(default)]
    pub correction: Correction,
}

/// The correction for several tests at once.
///
/// The p-values are combined into one. It is below the significance level exactly if the procedure
/// rejects at least one of the tests.
///
/// Reference: Y. Benjamini and Y. Hochberg, *Controlling the False Discovery Rate*, Journal of the
/// Royal Statistical Society B 57 (1995).
///
/// ```
/// use driftmill_operators::criterion::Correction;
/// let p_values = [0.03, 0.5, 0.02, 0.9];
/// assert_eq!(Correction::None.combine(&p_values), 0.02);
/// assert_eq!(Correction::Bonferroni.combine(&p_values), 0.08);
/// assert_eq!(Correction::Fdr.combine(&p_values), 0.06);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// The smallest p-value times the number of tests: controls the probability of any false alarm.
    #[default]
    Bonferroni,
    /// Benjamini and Hochberg: the minimum over i of the i-th smallest p-value times tests / i.
    Fdr,
    /// The smallest p-value without correction.
    None,
}

impl Correction {
    /// Combines the p-values of all tests; 1 without tests.
    pub fn combine(self, p_values: &[f64]) -> f64 {
        let count = p_values.len() as f64;
        let least = || p_values.iter().copied().fold(1.0, f64::min);
        match self {
            Self::None => least(),
            Self::Bonferroni => (least() * count).min(1.0),
            Self::Fdr => {
                let mut sorted = p_values.to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                let step = |(index, p): (usize, &f64)| p * count / (index + 1) as f64;
                sorted.iter().enumerate().map(step).fold(1.0, f64::min)
            }
        }
    }
}

impl Significance {
    pub(super) fn check(&self) -> Vec<String> {
        if self.p_value > 0.0 && self.p_value <= 1.0 {
            return Vec::new();
        }
        vec![format!("a p-value must be above 0 and at most 1, not {}", self.p_value)]
    }
}
