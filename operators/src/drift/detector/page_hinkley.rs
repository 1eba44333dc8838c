//! The Page-Hinkley test.

use serde::{Deserialize, Serialize};

use super::running::{Judgement, Method, MethodConfig};
use super::{Direction, Domain, Parameter, is_positive, problems};

/// The Page–Hinkley test: the difference of the sum of deviations from its extreme.
///
/// ```text
/// m ← α · m + (x − x̄) − δ     drift where m − min m > λ     (up)
/// w ← α · w + (x − x̄) + δ     drift where max w − w > λ     (down)
/// ```
///
/// x̄ is the mean of all values since the last drift, including x. There are no warnings.
///
/// Reference: E. S. Page, *Continuous Inspection Schemes*, Biometrika 41 (1954); with the forgetting
/// factor α as in River 0.26, whose defaults these are.
///
/// ```
/// use driftmill_operators::drift::detector::*;
/// let config: PageHinkley = toml::from_str("").unwrap();
/// let mut detector = config.init();
/// let mut values = (0..2000).map(|i| if i < 1000 { i % 2 } else { 5 });
/// assert_eq!(values.position(|x| detector.observe(x.into()) == Signal::Drift), Some(1011));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PageHinkley {
    /// Number of values before the first test (default 30).
    pub min_samples: u64,
    /// δ, the tolerated deviation, in units of the values (default 0.005).
    pub delta: f64,
    /// λ, the bound: a larger sum of deviations is a drift, in units of the values (default 50).
    pub threshold: f64,
    /// α, the factor of the sum at each new value, above 0 and at most 1 (default 0.9999).
    pub alpha: f64,
    /// The direction of changes that are drifts (default `both`).
    pub direction: Direction,
}

impl Default for PageHinkley {
    fn default() -> Self {
        Self {
            min_samples: 30,
            delta: 0.005,
            threshold: 50.0,
            alpha: 0.9999,
            direction: Direction::default(),
        }
    }
}

impl MethodConfig for PageHinkley {
    fn parameter(&self) -> Parameter {
        Parameter {
            name: "threshold",
            value: self.threshold,
            lax: 1e-9,
            strict: 1e12,
            follows: None,
        }
    }

    fn with_value(&self, value: f64) -> Self {
        Self { threshold: value, ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        problems([
            (self.delta >= 0.0 && self.delta.is_finite(), "delta must be a number from 0 on"),
            (is_positive(self.threshold), "threshold must be a number above 0"),
            (self.alpha > 0.0 && self.alpha <= 1.0, "alpha must be above 0 and at most 1"),
        ])
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    count: u64,
    mean: f64,
    up: f64,
    least: f64,
    down: f64,
    most: f64,
}

impl Default for State {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, up: 0.0, least: f64::MAX, down: 0.0, most: f64::MIN }
    }
}

impl Method for PageHinkley {
    type State = State;

    const DOMAIN: Domain = Domain::Real;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        state.count += 1;
        state.mean += (value - state.mean) / state.count as f64;
        let deviation = value - state.mean;
        state.up = self.alpha * state.up + deviation - self.delta;
        state.down = self.alpha * state.down + deviation + self.delta;
        state.least = state.least.min(state.up);
        state.most = state.most.max(state.down);
        if state.count < self.min_samples {
            return Judgement::NONE;
        }
        let (grown, fallen) = (state.up - state.least, state.most - state.down);
        let statistic = self.direction.of(grown, fallen);
        Judgement::drift_if(statistic > self.threshold, statistic, self.threshold)
    }
}
