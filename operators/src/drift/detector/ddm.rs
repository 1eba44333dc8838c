//! The drift detection method (DDM).

use serde::{Deserialize, Serialize};

use super::running::{Judgement, Method, MethodConfig};
use super::{Domain, Parameter, Signal, is_positive, problems};

/// The Drift Detection Method: an error rate that leaves its lowest level.
///
/// ```text
/// p = errors / n,  s = √(p (1 − p) / n)          p*, s*: p and s where p + s was lowest
/// warning where p + s > p* + warning · s*        drift where p + s > p* + drift · s*
/// ```
///
/// For errors (0 and 1); a value between them is a partial error. If there was no error before, s* is 0
/// and the first error after `min_samples` is a drift, as in other implementations.
///
/// Reference: J. Gama, P. Medas, G. Castillo, P. Rodrigues, *Learning with Drift Detection*, SBIA
/// (2004); the inequalities are strict, as in River 0.26.
///
/// ```
/// use driftmill_operators::drift::detector::*;
/// let config: Ddm = toml::from_str("").unwrap();
/// let mut detector = config.init();
/// let mut errors = (0..2000).map(|i| f64::from((i % 5 == 0) == (i < 1000)));
/// assert_eq!(errors.position(|x| detector.observe(x) == Signal::Drift), Some(1043));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Ddm {
    /// Number of values before the first test (default 30).
    pub min_samples: u64,
    /// Standard deviations above the lowest level that are a warning (default 2).
    pub warning: f64,
    /// Standard deviations above the lowest level that are drift (default 3).
    pub drift: f64,
}

impl Default for Ddm {
    fn default() -> Self {
        Self { min_samples: 30, warning: 2.0, drift: 3.0 }
    }
}

impl MethodConfig for Ddm {
    fn parameter(&self) -> Parameter {
        Parameter {
            name: "drift",
            value: self.drift,
            lax: 0.1,
            strict: 100.0,
            follows: Some(("warning", self.warning)),
        }
    }

    fn with_value(&self, value: f64) -> Self {
        Self { drift: value, warning: self.warning.min(value), ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        problems([
            (is_positive(self.warning), "warning must be a number above 0"),
            (is_positive(self.drift), "drift must be a number above 0"),
            (self.warning <= self.drift, "warning must not be above drift"),
        ])
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    count: u64,
    rate: f64,
    /// p* and s*.
    lowest: (f64, f64),
}

impl Default for State {
    fn default() -> Self {
        Self { count: 0, rate: 0.0, lowest: (f64::MAX, 0.0) }
    }
}

impl Method for Ddm {
    type State = State;

    const DOMAIN: Domain = Domain::Unit;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        state.count += 1;
        let count = state.count as f64;
        // rounding must not carry the rate beyond 1.
        state.rate = (state.rate + (value - state.rate) / count).clamp(0.0, 1.0);
        if state.count <= self.min_samples {
            return Judgement::NONE;
        }
        let deviation = (state.rate * (1.0 - state.rate) / count).sqrt();
        let level = state.rate + deviation;
        if level <= state.lowest.0 + state.lowest.1 {
            state.lowest = (state.rate, deviation);
        }
        let (lowest, scale) = state.lowest;
        let bound = lowest + self.drift * scale;
        let signal = if level > bound {
            Signal::Drift
        } else if level > lowest + self.warning * scale {
            Signal::Warning
        } else {
            Signal::None
        };
        Judgement::new(signal, level, bound)
    }
}
