//! The HDDM detector with weighted averages.

use serde::{Deserialize, Serialize};

use super::running::{BuildMethod, Judgement, Method, MethodConfig};
use super::{Domain, Parameter, hddm, is_fraction, problems};

/// HDDM_W: compares moving averages before and after the best cut, with McDiarmid's bound.
///
/// ```text
/// e ← λ x + (1 − λ) e          an average of values, starting with the first
/// s ← λ² + (1 − λ)² s          its sum of squared weights, starting with 1
/// cut: where e + √(s ln(1/drift) / 2) of all values was lowest
/// drift where e₂ − e₁ > √((s₁ + s₂) ln(1/drift) / 2)     1: up to the cut, 2: after it
/// ```
///
/// For values from 0 to 1. With `two_sided`, a falling mean is a drift as well.
///
/// Reference: I. Frías-Blanco, J. del Campo-Ávila, G. Ramos-Jiménez, R. Morales-Bueno, A. Ortiz-Díaz,
/// Y. Caballero-Mota, *Online and Non-Parametric Drift Detection Methods Based on Hoeffding's
/// Bounds*, IEEE Transactions on Knowledge and Data Engineering 27 (2015); as in River 0.26.
///
/// ```
/// use driftmill_operators::drift::detector::*;
/// let config: HddmW = toml::from_str("").unwrap();
/// let mut detector = config.init();
/// let mut errors = (0..2000).map(|i| f64::from((i % 5 == 0) == (i < 1000)));
/// assert_eq!(errors.position(|x| detector.observe(x) == Signal::Drift), Some(1023));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct HddmW {
    /// Significance level of a drift: the bound on the probability of a false drift at a value (default
    /// 0.001).
    pub drift: f64,
    /// Significance level of a warning: the bound on the probability of a false warning at a value
    /// (default 0.005).
    pub warning: f64,
    /// λ, the weight of the newest value in an average, between 0 and 1 (default 0.05).
    pub lambda: f64,
    /// Whether a falling mean is a drift as well (default no).
    pub two_sided: bool,
}

impl Default for HddmW {
    fn default() -> Self {
        Self { drift: hddm::DRIFT, warning: hddm::WARNING, lambda: 0.05, two_sided: false }
    }
}

impl BuildMethod for HddmW {
    type Method = Test;

    fn method(&self) -> Test {
        Test {
            drift: (1.0 / self.drift).ln() / 2.0,
            warning: (1.0 / self.warning).ln() / 2.0,
            lambda: self.lambda,
            two_sided: self.two_sided,
        }
    }
}

impl MethodConfig for HddmW {
    fn parameter(&self) -> Parameter {
        hddm::parameter(self.drift, self.warning)
    }

    fn with_value(&self, value: f64) -> Self {
        Self { drift: value, warning: self.warning.max(value), ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        let mut found = problems(hddm::rules(self.drift, self.warning));
        found.extend(problems([(is_fraction(self.lambda), "lambda must be between 0 and 1")]));
        found
    }
}

/// λ and the logarithms of the bounds.
#[derive(Clone)]
pub(super) struct Test {
    drift: f64,
    warning: f64,
    lambda: f64,
    two_sided: bool,
}

/// A moving average; `any` is false before the first value.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Average {
    any: bool,
    mean: f64,
    squares: f64,
}

/// The averages before and after a cut, and the bound of the mean at the cut.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Halves {
    before: Average,
    after: Average,
    extreme: f64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    all: Average,
    grown: Halves,
    fallen: Halves,
}

impl Test {
    fn update(&self, average: &mut Average, value: f64) {
        let (old, squares) =
            if average.any { (average.mean, average.squares) } else { (value, 1.0) };
        let keep = 1.0 - self.lambda;
        average.mean = self.lambda * value + keep * old;
        average.squares = self.lambda * self.lambda + keep * keep * squares;
        average.any = true;
    }

    /// Moves the cut to this value if the bound of `sign · mean` was never lower. Otherwise tests the
    /// change of the average since the cut.
    fn test(&self, halves: &mut Halves, all: Average, value: f64, sign: f64) -> Judgement {
        let extreme = sign * all.mean + (all.squares * self.drift).sqrt();
        if !halves.before.any || extreme < halves.extreme {
            *halves = Halves { before: all, after: Average::default(), extreme };
            return Judgement::NONE;
        }
        self.update(&mut halves.after, value);
        let squares = halves.before.squares + halves.after.squares;
        let change = sign * (halves.after.mean - halves.before.mean);
        let bound = (squares * self.drift).sqrt();
        hddm::judgement(change, bound, (squares * self.warning).sqrt(), f64::gt)
    }
}

impl Method for Test {
    type State = State;

    const DOMAIN: Domain = Domain::Unit;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        let State { all, grown, fallen } = state;
        self.update(all, value);
        let up = self.test(grown, *all, value, 1.0);
        if self.two_sided { up.or(self.test(fallen, *all, value, -1.0)) } else { up }
    }
}
