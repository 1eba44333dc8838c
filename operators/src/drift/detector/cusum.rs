//! The CUSUM control chart.

use serde::{Deserialize, Serialize};

use super::running::{Judgement, Method, MethodConfig};
use super::{Direction, Domain, Parameter, is_positive, problems};

/// The tabular CUSUM control chart: the sum of the excesses of values over their usual mean.
///
/// ```text
/// z = (x − μ) / σ          μ, σ: mean and standard deviation of the first `warmup` values
/// u ← max(0, u + z − k)    drift where u > h     (up)
/// d ← max(0, d − z − k)    drift where d > h     (down)
/// ```
///
/// With k = ½ and h = 10, a shift of the mean by one standard deviation is detected after about twenty
/// values, and there is one false alarm in about 70,000 values. With h = 5, as in textbooks, it is ten
/// values and one false alarm in 465. The warm-up continues while all values are equal, because their
/// deviation is unknown. There are no warnings.
///
/// Reference: E. S. Page, *Continuous Inspection Schemes*, Biometrika 41 (1954); D. C. Montgomery,
/// *Introduction to Statistical Quality Control* (2009), §9.1.
///
/// ```
/// use driftmill_operators::drift::detector::*;
/// let config: Cusum = toml::from_str("").unwrap();
/// let mut detector = config.init();
/// let mut values = (0..2000).map(|i| i % 2 + if i < 1000 { 0 } else { 1 });
/// assert_eq!(values.position(|x| detector.observe(x.into()) == Signal::Drift), Some(1007));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Cusum {
    /// Number of values for the estimates of mean and deviation (default 100).
    pub warmup: u64,
    /// The reference value: the tolerated deviation, in standard deviations. The optimum is half the shift
    /// that should be detected (default 0.5).
    pub k: f64,
    /// The decision interval: a larger sum is a drift, in standard deviations (default 10).
    pub h: f64,
    /// The direction of changes that are drifts (default `both`).
    pub direction: Direction,
}

impl Default for Cusum {
    fn default() -> Self {
        Self { warmup: 100, k: 0.5, h: 10.0, direction: Direction::default() }
    }
}

impl MethodConfig for Cusum {
    fn parameter(&self) -> Parameter {
        Parameter { name: "h", value: self.h, lax: 0.1, strict: 1e4, follows: None }
    }

    fn with_value(&self, value: f64) -> Self {
        Self { h: value, ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        problems([
            (self.warmup >= 2, "warmup must be 2 values or more"),
            (self.k >= 0.0 && self.k.is_finite(), "k must be a number from 0 on"),
            (is_positive(self.h), "h must be a number above 0"),
        ])
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    count: u64,
    mean: f64,
    squares: f64,
    /// Standard deviation; 0 in the warm-up.
    deviation: f64,
    up: f64,
    down: f64,
}

impl Cusum {
    fn warm_up(&self, state: &mut State, value: f64) {
        state.count += 1;
        let before = value - state.mean;
        state.mean += before / state.count as f64;
        state.squares += before * (value - state.mean);
        if state.count >= self.warmup.max(2) {
            state.deviation = (state.squares / (state.count - 1) as f64).sqrt();
        }
    }
}

impl Method for Cusum {
    type State = State;

    const DOMAIN: Domain = Domain::Real;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        if state.deviation == 0.0 {
            self.warm_up(state, value);
            return Judgement::NONE;
        }
        let z = (value - state.mean) / state.deviation;
        state.up = (state.up + z - self.k).max(0.0);
        state.down = (state.down - z - self.k).max(0.0);
        let statistic = self.direction.of(state.up, state.down);
        Judgement::drift_if(statistic > self.h, statistic, self.h)
    }
}
