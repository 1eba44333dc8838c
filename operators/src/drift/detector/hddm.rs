//! The parts that HDDM_A and HDDM_W have in common.

use super::running::Judgement;
use super::{Parameter, Signal, is_fraction};

/// Default significance level of a drift.
pub(super) const DRIFT: f64 = 0.001;

/// Default significance level of a warning.
pub(super) const WARNING: f64 = 0.005;

/// The main parameter: the significance level of a drift. The level of a warning follows it.
pub(super) fn parameter(drift: f64, warning: f64) -> Parameter {
    let follows = Some(("warning", warning));
    Parameter { name: "drift", value: drift, lax: 0.999, strict: 1e-100, follows }
}

/// The rules of both significance levels, with the problem if a rule does not hold.
pub(super) fn rules(drift: f64, warning: f64) -> [(bool, &'static str); 3] {
    [
        (is_fraction(drift), "drift must be between 0 and 1"),
        (is_fraction(warning), "warning must be between 0 and 1"),
        (drift <= warning, "drift must not be above warning"),
    ]
}

/// The judgement of a change, where `exceeds` compares the change with a bound.
pub(super) fn judgement(
    change: f64,
    drift: f64,
    warning: f64,
    exceeds: fn(&f64, &f64) -> bool,
) -> Judgement {
    let signal = if exceeds(&change, &drift) {
        Signal::Drift
    } else if exceeds(&change, &warning) {
        Signal::Warning
    } else {
        Signal::None
    };
    Judgement::new(signal, change, drift)
}
