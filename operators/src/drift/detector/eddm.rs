//! The early drift detection method (EDDM).

use serde::{Deserialize, Serialize};

use super::running::{Judgement, Method, MethodConfig};
use super::{Domain, Parameter, Signal, is_fraction, problems};

/// The Early Drift Detection Method: errors that come closer together.
///
/// ```text
/// p, s = mean and standard deviation of the number of values from error to error
/// level = (p + 2 s) / the largest p + 2 s so far
/// warning where level < warning, drift where level < drift
/// ```
///
/// For errors (0 and 1). The test runs at each error, and a warning lasts until the next one. The
/// method is designed for gradual changes. It fires more readily than [`Ddm`](super::Ddm), with more
/// false alarms.
///
/// Reference: M. Baena-García, J. del Campo-Ávila, R. Fidalgo, A. Bifet, R. Gavaldà,
/// R. Morales-Bueno, *Early Drift Detection Method*, IWKDDS (2006); as in River 0.26, a drift takes
/// more than `min_errors` errors, and the largest level more than `min_errors` values.
///
/// ```
/// use driftmill_operators::drift::detector::*;
/// let config: Eddm = toml::from_str("").unwrap();
/// let mut detector = config.init();
/// let mut errors = (0..2000).map(|i| f64::from((i % 5 == 4) == (i < 1000)));
/// assert_eq!(errors.position(|x| detector.observe(x) == Signal::Drift), Some(1333));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Eddm {
    /// Number of errors before the first test (default 30).
    pub min_errors: u64,
    /// Share of the largest level below which there is a warning (default 0.95).
    pub warning: f64,
    /// Share of the largest level below which there is drift (default 0.9).
    pub drift: f64,
}

impl Default for Eddm {
    fn default() -> Self {
        Self { min_errors: 30, warning: 0.95, drift: 0.9 }
    }
}

impl MethodConfig for Eddm {
    fn parameter(&self) -> Parameter {
        Parameter {
            name: "drift",
            value: self.drift,
            lax: 0.999,
            strict: 1e-3,
            follows: Some(("warning", self.warning)),
        }
    }

    fn with_value(&self, value: f64) -> Self {
        Self { drift: value, warning: self.warning.max(value), ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        problems([
            (is_fraction(self.warning), "warning must be between 0 and 1"),
            (is_fraction(self.drift), "drift must be between 0 and 1"),
            (self.drift <= self.warning, "drift must not be above warning"),
        ])
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    count: u64,
    last_error: u64,
    errors: u64,
    /// Mean of the gaps, and the sum of their squared deviations from it.
    mean: f64,
    squares: f64,
    largest: f64,
    checkpoint: Judgement,
}

impl State {
    /// Adds the gap that ends with an error and returns p + 2 s.
    fn level(&mut self) -> f64 {
        let gap = (self.count - self.last_error) as f64;
        self.last_error = self.count;
        self.errors += 1;
        let before = gap - self.mean;
        self.mean += before / self.errors as f64;
        self.squares += before * (gap - self.mean);
        let others = self.errors.saturating_sub(1).max(1) as f64;
        self.mean + 2.0 * (self.squares / others).sqrt()
    }
}

impl Method for Eddm {
    type State = State;

    const DOMAIN: Domain = Domain::Binary;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        state.count += 1;
        if value == 0.0 {
            return state.checkpoint;
        }
        let level = state.level();
        if state.count > self.min_errors && level > state.largest {
            state.largest = level;
        } else if state.errors > self.min_errors {
            let share = level / state.largest;
            let signal = if share < self.drift {
                Signal::Drift
            } else if share < self.warning {
                Signal::Warning
            } else {
                Signal::None
            };
            state.checkpoint = Judgement::new(signal, share, self.drift);
        }
        state.checkpoint
    }
}
