//! The ADWIN detector.

use std::collections::VecDeque;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::running::{Judgement, Method, MethodConfig};
use super::{Domain, Evidence, Parameter, Signal, is_fraction, problems};

/// ADWIN: adaptive windowing. A drift is a cut of the window into two parts with different means.
///
/// ```text
/// 1/m = 1/(n₀ − w + 1) + 1/(n₁ − w + 1),  d = ln(2 ln n / δ)        w = min_window
/// drift where |x̄₀ − x̄₁| > √(2/m · σ² · d) + 2/3 · d/m               at some cut
/// ```
///
/// σ² is the variance of the window. The window is stored as sums of 2ⁱ values each, at most
/// `max_buckets` for each i, so that n values take O(log n) memory. Cuts between sums are tested after
/// every `clock` values, oldest first. There are no warnings. The bounds hold for values from 0 to 1;
/// other numbers are used without scaling.
///
/// Reference: A. Bifet, R. Gavaldà, *Learning from Time-Changing Data with Adaptive Windowing*, SDM
/// (2007). As in River 0.26, a drift discards the whole window; the paper keeps its newer part.
///
/// ```
/// use driftmill_operators::drift::detector::*;
/// let config: Adwin = toml::from_str("").unwrap();
/// let mut detector = config.init();
/// let mut values = (0..2000).map(|i| if i < 1000 { i % 2 } else { 5 });
/// assert_eq!(values.position(|x| detector.observe(x.into()) == Signal::Drift), Some(1023));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Adwin {
    /// δ, the probability of a false drift, between 0 and 1 (default 0.002).
    pub delta: f64,
    /// Number of values between two tests of all cuts (default 32).
    pub clock: NonZeroU64,
    /// Maximum number of sums of the same number of values, 2 or more (default 5).
    pub max_buckets: usize,
    /// Minimum number of values on either side of a cut (default 5).
    pub min_window: NonZeroU64,
    /// Number of values in the window before the first test (default 10).
    pub grace: u64,
}

impl Default for Adwin {
    fn default() -> Self {
        Self {
            delta: 0.002,
            clock: NonZeroU64::new(32).expect("32 is not zero"),
            max_buckets: 5,
            min_window: NonZeroU64::new(5).expect("5 is not zero"),
            grace: 10,
        }
    }
}

impl MethodConfig for Adwin {
    fn parameter(&self) -> Parameter {
        Parameter { name: "delta", value: self.delta, lax: 0.999, strict: 1e-100, follows: None }
    }

    fn with_value(&self, value: f64) -> Self {
        Self { delta: value, ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        problems([
            (is_fraction(self.delta), "delta must be between 0 and 1"),
            (self.max_buckets >= 2, "max_buckets must be 2 or more"),
        ])
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    count: u64,
    /// The first value. Sums hold differences from it, so that large values with a small variance lose
    /// no precision.
    origin: f64,
    total: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
    /// For each i the sums of 2ⁱ values, oldest first.
    rows: Vec<VecDeque<f64>>,
}

impl State {
    fn push(&mut self, value: f64, most: usize) {
        if self.count == 0 {
            self.origin = value;
        }
        let value = value - self.origin;
        if self.count > 0 {
            let n = self.count as f64;
            let deviation = value - self.total / n;
            self.squares += n * deviation * deviation / (n + 1.0);
        }
        self.count += 1;
        self.total += value;
        let mut carried = Some(value);
        let mut row = 0;
        while let Some(sum) = carried.take() {
            if row == self.rows.len() {
                self.rows.push(VecDeque::with_capacity(most + 1));
            }
            let sums = &mut self.rows[row];
            sums.push_back(sum);
            if sums.len() > most {
                carried = sums.pop_front().zip(sums.pop_front()).map(|(a, b)| a + b);
            }
            row += 1;
        }
    }
}

impl Adwin {
    /// The first cut, from the oldest, whose parts differ; otherwise the cut closest to the bound.
    fn cuts(&self, state: &State) -> Judgement {
        let all = state.count as f64;
        let least = self.min_window.get() as f64;
        let d = (2.0 * all.ln() / self.delta).ln();
        let spread = 2.0 * state.squares / all * d;
        let tolerance = 2.0 / 3.0 * d;
        // roots are computed only for reported bounds.
        let bound = |inverse: f64| (inverse * spread).sqrt() + tolerance * inverse;
        let mut closest = None;
        let mut most = f64::MIN;
        let (mut older, mut sum) = (0.0, 0.0);
        for (row, sums) in state.rows.iter().enumerate().rev() {
            let size = (1u64 << row) as f64;
            for part in sums {
                older += size;
                sum += part;
                let newer = all - older;
                if older < least || newer < least {
                    continue;
                }
                let inverse =
                    (all - 2.0 * least + 2.0) / ((older - least + 1.0) * (newer - least + 1.0));
                let difference = sum * newer - (state.total - sum) * older;
                let statistic = (difference / (older * newer)).abs();
                let beyond = statistic - tolerance * inverse;
                let excess = beyond * beyond.abs() - inverse * spread;
                if excess > most {
                    most = excess;
                    closest = Some((statistic, inverse));
                }
                if excess > 0.0 {
                    return Judgement::new(Signal::Drift, statistic, bound(inverse));
                }
            }
        }
        let evidence =
            closest.map(|(statistic, inverse)| Evidence { statistic, bound: bound(inverse) });
        Judgement { signal: Signal::None, evidence }
    }
}

impl Method for Adwin {
    type State = State;

    const DOMAIN: Domain = Domain::Real;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        state.push(value, self.max_buckets);
        // cuts need at least three values: for fewer, ln ln n is NaN.
        let due = state.count.is_multiple_of(self.clock.get());
        if !due || state.count <= self.grace.max(2) {
            return Judgement::NONE;
        }
        self.cuts(state)
    }
}
