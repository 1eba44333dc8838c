//! The KSWIN detector.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use rand::SeedableRng;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::running::{BuildMethod, Judgement, Method, MethodConfig};
use super::{Domain, Parameter, is_fraction, problems};
use crate::drift::metric::steps;

/// KSWIN: compares the newest values with a random sample of older ones, by the Kolmogorov–Smirnov test.
///
/// ```text
/// D = sup over x of |F(x) − G(x)|     F: the newest r values of a window, G: r of the others
/// drift where P(D or more | no change) ≤ alpha and D > 0.1
/// ```
///
/// The probability is exact: for k = r · D it is 2 Σ (−1)^(j+1) C(2r, r − jk) / C(2r, r), j = 1, 2, …
/// There are no warnings. The random sample depends only on `seed` and the number of values since the
/// last drift.
///
/// Reference: C. Raab, M. Heusinger, F.-M. Schleif, *Reactive Soft Prototype Computing for Concept
/// Drift Streams*, Neurocomputing 416 (2020); B. V. Gnedenko, V. S. Korolyuk, *On the Maximum
/// Discrepancy Between Two Empirical Distributions* (1951). The defaults, the exact test and 0.1 are
/// those of River 0.26, which draws its random numbers from another generator.
///
/// ```
/// use driftmill_operators::drift::detector::*;
/// let config: Kswin = toml::from_str("alpha = 0.0001").unwrap();
/// let mut detector = config.init();
/// let mut values = (0..2000).map(|i| if i < 1000 { i % 2 } else { 5 });
/// assert_eq!(values.position(|x| detector.observe(x.into()) == Signal::Drift), Some(1016));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Kswin {
    /// Significance level of a false drift at a value, between 0 and 1 (default 0.005).
    pub alpha: f64,
    /// Values in the window, at least twice `recent` (default 100).
    pub window: NonZeroUsize,
    /// r, the number of newest values (default 30).
    pub recent: NonZeroUsize,
    /// Seed of the choice of older values (default 0).
    pub seed: u64,
}

impl Default for Kswin {
    fn default() -> Self {
        Self {
            alpha: 0.005,
            window: NonZeroUsize::new(100).expect("100 is not zero"),
            recent: NonZeroUsize::new(30).expect("30 is not zero"),
            seed: 0,
        }
    }
}

impl Kswin {
    /// The least k at which D = k / r is drift.
    fn least(&self) -> Option<usize> {
        let r = self.recent.get();
        (r / 10 + 1..=r).find(|k| tail_probability(r, *k) <= self.alpha)
    }
}

impl BuildMethod for Kswin {
    type Method = Test;

    fn method(&self) -> Test {
        let (window, recent) = (self.window.get(), self.recent.get());
        let least = self.least().unwrap_or(recent + 1);
        Test { window, recent, least, seed: self.seed }
    }
}

impl MethodConfig for Kswin {
    fn parameter(&self) -> Parameter {
        // below the probability of the largest difference the detector never fires.
        let strict =
            tail_probability(self.recent.get(), self.recent.get()).clamp(f64::MIN_POSITIVE, 0.5);
        Parameter { name: "alpha", value: self.alpha, lax: 0.5, strict, follows: None }
    }

    fn with_value(&self, value: f64) -> Self {
        Self { alpha: value, ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        let fits = self.window.get() / 2 >= self.recent.get();
        problems([
            (is_fraction(self.alpha), "alpha must be between 0 and 1"),
            (fits, "window must be at least twice recent"),
            (self.least().is_some(), "recent is too small: no difference would be below alpha"),
        ])
    }
}

/// The probability that two samples of n values from one distribution differ by k / n or more.
pub(super) fn tail_probability(n: usize, k: usize) -> f64 {
    // C(2n, n − m) / C(2n, n)
    let ratio =
        |m: usize| -> f64 { (1..=m).map(|i| (n - m + i) as f64 / (n + i) as f64).product() };
    let terms = (1..=n / k).map(|j| if j % 2 == 1 { ratio(j * k) } else { -ratio(j * k) });
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}

#[derive(Clone)]
pub(super) struct Test {
    window: usize,
    recent: usize,
    least: usize,
    seed: u64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    count: u64,
    values: VecDeque<f64>,
}

impl Test {
    /// A random sample of the older values.
    fn chosen(&self, state: &State) -> Vec<f64> {
        let seed = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ state.count;
        let mut random = Pcg64::seed_from_u64(seed);
        let older = self.window - self.recent;
        let chosen = rand::seq::index::sample(&mut random, older, self.recent);
        chosen.iter().map(|index| state.values[index]).collect()
    }
}

impl Method for Test {
    type State = State;

    const DOMAIN: Domain = Domain::Real;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        state.count += 1;
        if state.values.len() == self.window {
            state.values.pop_front();
        }
        state.values.push_back(value);
        if state.values.len() < self.window {
            return Judgement::NONE;
        }
        let mut older = self.chosen(state);
        let mut newest: Vec<f64> =
            state.values.range(self.window - self.recent..).copied().collect();
        older.sort_unstable_by(f64::total_cmp);
        newest.sort_unstable_by(f64::total_cmp);
        let mut largest = 0;
        steps(&older, &newest, |i, j, _| largest = largest.max(i.abs_diff(j)));
        let share = |k: usize| k as f64 / self.recent as f64;
        Judgement::drift_if(largest >= self.least, share(largest), share(self.least))
    }
}

#[cfg(test)]
mod tests {
    #[derive(serde::Deserialize)]
    struct Reference {
        smirnov: Vec<Smirnov>,
    }

    #[derive(serde::Deserialize)]
    struct Smirnov {
        n: usize,
        k: usize,
        p: f64,
    }

    #[test]
    fn tail_probabilities_agree_with_scipy() {
        let text = include_str!("../../../tests/references/detectors.json");
        let reference: Reference = serde_json::from_str(text).unwrap();
        for Smirnov { n, k, p } in reference.smirnov {
            let found = super::tail_probability(n, k);
            assert!((found - p).abs() <= 1e-9 * p.max(1e-3), "{k} of {n}: {found}, SciPy says {p}");
        }
    }
}
