//! The HDDM detector with averages.

use serde::{Deserialize, Serialize};

use super::running::{BuildMethod, Judgement, Method, MethodConfig};
use super::{Domain, Parameter, hddm, problems};

/// HDDM_A: compares the mean with the lowest mean so far, with Hoeffding's bound.
///
/// ```text
/// z̄ = mean of all n values, ȳ = mean of the first m: those where ȳ + √(ln(1/drift) / 2m) was lowest
/// drift where z̄ − ȳ ≥ √((n − m) / (m n) · ln(2/drift) / 2)     warning likewise
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
/// let config: HddmA = toml::from_str("").unwrap();
/// let mut detector = config.init();
/// let mut errors = (0..2000).map(|i| f64::from((i % 5 == 0) == (i < 1000)));
/// assert_eq!(errors.position(|x| detector.observe(x) == Signal::Drift), Some(1009));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct HddmA {
    /// Significance level of a drift: the bound on the probability of a false drift at a value (default
    /// 0.001).
    pub drift: f64,
    /// Significance level of a warning: the bound on the probability of a false warning at a value
    /// (default 0.005).
    pub warning: f64,
    /// Whether a falling mean is a drift as well (default no).
    pub two_sided: bool,
}

impl Default for HddmA {
    fn default() -> Self {
        Self { drift: hddm::DRIFT, warning: hddm::WARNING, two_sided: false }
    }
}

impl BuildMethod for HddmA {
    type Method = Test;

    fn method(&self) -> Test {
        Test {
            cut: (1.0 / self.drift).ln() / 2.0,
            drift: (2.0 / self.drift).ln() / 2.0,
            warning: (2.0 / self.warning).ln() / 2.0,
            two_sided: self.two_sided,
        }
    }
}

impl MethodConfig for HddmA {
    fn parameter(&self) -> Parameter {
        hddm::parameter(self.drift, self.warning)
    }

    fn with_value(&self, value: f64) -> Self {
        Self { drift: value, warning: self.warning.max(value), ..self.clone() }
    }

    fn check(&self) -> Vec<String> {
        problems(hddm::rules(self.drift, self.warning))
    }
}

/// The logarithms of the bounds.
#[derive(Clone)]
pub(super) struct Test {
    cut: f64,
    drift: f64,
    warning: f64,
    two_sided: bool,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Mean {
    count: u64,
    mean: f64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    all: Mean,
    lowest: Mean,
    highest: Mean,
}

impl Test {
    /// Tests the change of the mean since the cut.
    fn test(&self, all: Mean, cut: Mean, change: f64) -> Judgement {
        if cut.count == all.count {
            return Judgement::NONE;
        }
        let (n, m) = (all.count as f64, cut.count as f64);
        let share = (n - m) / (m * n);
        let bound = (share * self.drift).sqrt();
        hddm::judgement(change, bound, (share * self.warning).sqrt(), f64::ge)
    }
}

impl Method for Test {
    type State = State;

    const DOMAIN: Domain = Domain::Unit;

    fn step(&self, state: &mut State, value: f64) -> Judgement {
        let State { all, lowest, highest } = state;
        all.count += 1;
        all.mean += (value - all.mean) / all.count as f64;
        let bound = |mean: &Mean| (self.cut / mean.count as f64).sqrt();
        if lowest.count == 0 || all.mean + bound(all) <= lowest.mean + bound(lowest) {
            *lowest = *all;
        }
        let grown = self.test(*all, *lowest, all.mean - lowest.mean);
        if !self.two_sided {
            return grown;
        }
        if highest.count == 0 || all.mean - bound(all) >= highest.mean - bound(highest) {
            *highest = *all;
        }
        grown.or(self.test(*all, *highest, highest.mean - all.mean))
    }
}
