//! Proposes thresholds and detector parameters that have a wanted rate of false alarms.

use std::num::NonZeroUsize;

use driftmill_operators::calibration::{
    self, CalibrationError, Rate, Search, extrapolated, observed,
};
use driftmill_operators::criterion::Direction;
use driftmill_operators::drift::detector::{DetectorConfig, Signal};
use driftmill_operators::flow::TriggerEvaluation;
use driftmill_operators::trigger::{Score, Stable};
use serde::Serialize;
use serde_json::{Value, json};

use super::policies::Policy;

/// A threshold or detector parameter with the wanted rate of false alarms on the stable part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// The policy's name: that of the pipeline, a comparison or a shadow.
    pub policy: String,
    /// The key of the metric or detector.
    pub metric: String,
    /// The key in the pipeline file.
    pub key: String,
    /// The value in the file; null if it is a default.
    pub now: Value,
    /// Number of evaluations of the policy.
    pub evaluations: usize,
    /// The share of evaluations at which the policy fired with the value in the file; none if this was not
    /// observed.
    pub false_alarms: Option<f64>,
    /// The proposed value; null if nothing can be proposed.
    pub proposed: Value,
    /// The expected share of false alarms with the proposed value.
    pub expected: Option<f64>,
    /// Another key that has to follow, and its value.
    pub follows: Option<(String, Value)>,
    /// The basis of the proposal.
    pub basis: Basis,
    /// A note, or the reason why nothing is proposed.
    pub note: Option<String>,
}

/// The basis of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Measured values.
    Observed,
    /// A tail fitted to the largest values. It extends beyond them.
    Extrapolated,
    /// Streams resampled from the detector's input.
    Resampled,
    /// The definition of a p-value.
    Definition,
    /// No basis.
    None,
}

/// Proposals from the measurements of a policy on the stable part. `pipeline` is the current file.
pub(super) fn propose(
    policy: &Policy,
    trigger_evaluations: &[TriggerEvaluation],
    rate: Rate,
    pipeline: &Value,
) -> Vec<Proposal> {
    let blank = |metric: &str, keys: &[&str]| {
        let path: Vec<&str> =
            policy.path.iter().map(String::as_str).chain(keys.iter().copied()).collect();
        let now = path.iter().try_fold(pipeline, |value, key| value.get(key));
        Proposal {
            policy: policy.name.clone(),
            metric: metric.to_owned(),
            key: path.iter().map(|key| quoted(key)).collect::<Vec<_>>().join("."),
            now: now.cloned().unwrap_or_default(),
            evaluations: trigger_evaluations.len(),
            false_alarms: None,
            proposed: Value::Null,
            expected: None,
            follows: None,
            basis: Basis::None,
            note: None,
        }
    };
    let scores =
        || trigger_evaluations.iter().flat_map(|evaluation| &evaluation.measurement.scores);
    match policy.trigger.stable() {
        Stable::Thresholds { metrics, aggregate, .. } => {
            let count = NonZeroUsize::new(metrics.len()).unwrap_or(NonZeroUsize::MIN);
            let each = rate.shared(count, aggregate);
            let proposal = |(key, direction): (&'static str, Direction)| {
                let scores: Vec<&Score> = scores().filter(|score| score.metric == key).collect();
                threshold(blank(key, &["metrics", key, "threshold"]), &scores, direction, each)
            };
            metrics.into_iter().map(proposal).collect()
        }
        Stable::Detector { key, config, every } => {
            let values: Vec<f64> = scores().map(|score| score.value).collect();
            let parameter = config.parameter().name;
            let blank = blank(key, &["detector", key, parameter]);
            vec![detector(blank, config, &values, rate, every)]
        }
        Stable::Nothing | Stable::Members(_) => Vec::new(),
    }
}

fn threshold(blank: Proposal, scores: &[&Score], direction: Direction, rate: Rate) -> Proposal {
    let fired = scores.iter().filter(|score| score.fires).count();
    let evaluations = scores.len();
    let false_alarms = (evaluations > 0).then(|| fired as f64 / evaluations as f64);
    let blank = Proposal { evaluations, false_alarms, ..blank };
    let p_values: Vec<f64> = scores.iter().filter_map(|score| score.p_value).collect();
    if !p_values.is_empty() {
        return chance(blank, &p_values, rate);
    }
    let values: Vec<f64> = scores.iter().map(|score| score.value).collect();
    let found = match observed(&values, direction, rate) {
        Err(few @ CalibrationError::TooFew { .. }) => {
            extrapolated(&values, direction, rate, 0).map_err(|_| few)
        }
        found => found,
    };
    match found {
        Ok(found) => {
            let basis = match found.basis {
                calibration::Basis::Observed(_) => Basis::Observed,
                calibration::Basis::Extrapolated(_) => Basis::Extrapolated,
            };
            let note = (basis == Basis::Extrapolated).then(|| {
                format!("above all {evaluations} values: a longer stretch gives a better estimate")
            });
            let proposed = json!(rounded(found.threshold, direction));
            Proposal { proposed, expected: Some(found.rate), basis, note, ..blank }
        }
        Err(error) => Proposal { note: Some(error.to_string()), ..blank },
    }
}

/// A p-value has the wanted rate by its definition, if the rate is reachable.
fn chance(blank: Proposal, p_values: &[f64], rate: Rate) -> Proposal {
    let wanted = rate.get();
    let mut proposed = blank.now.clone();
    proposed["p_value"] = json!(wanted);
    // the smallest possible p-value needs more permutations.
    let permutations = proposed["permutations"].as_u64().unwrap_or(0);
    if (permutations as f64) < 2.0 / wanted {
        proposed["permutations"] = json!((2.0 / wanted).ceil() as u64);
    }
    let below = p_values.iter().filter(|p_value| **p_value < wanted).count();
    let share = below as f64 / p_values.len() as f64;
    if below >= 3 && share > 3.0 * wanted {
        let note = format!(
            "{:.1} % of the evaluations have a p-value below {wanted}: the stretch is not stable, \
             or the test does not fit the compared values",
            share * 100.0
        );
        return Proposal { note: Some(note), ..blank };
    }
    Proposal { proposed, expected: Some(wanted), basis: Basis::Definition, ..blank }
}

fn detector(
    blank: Proposal,
    config: &dyn DetectorConfig,
    values: &[f64],
    rate: Rate,
    every: usize,
) -> Proposal {
    let mut now = config.init();
    let drifts = values.iter().filter(|value| now.observe(**value) == Signal::Drift).count();
    let per_evaluation = |share: f64| (share * every as f64).min(1.0);
    let false_alarms =
        (!values.is_empty()).then(|| per_evaluation(drifts as f64 / values.len() as f64));
    let blank = Proposal { false_alarms, now: json!(config.parameter().value), ..blank };
    // each of `every` values may have an equal share.
    let Some(each) = Rate::new(rate.get() / every as f64) else { return blank };
    match Search::new(each).tune(config, values) {
        Ok(tuned) => {
            let note = (!tuned.covered).then(|| {
                format!(
                    "{} values are few for so small a rate: a longer stretch gives a better \
                     estimate",
                    values.len()
                )
            });
            let strict = config.parameter().strict > config.parameter().lax;
            let direction = if strict { Direction::Higher } else { Direction::Lower };
            let value = rounded(tuned.value, direction);
            let [before, after] = [config.parameter(), config.with_parameter(value).parameter()];
            let moved = after.follows.filter(|follows| Some(*follows) != before.follows);
            let key = |name: &str| {
                let table = blank.key.rsplit_once('.').map_or("", |(table, _)| table);
                format!("{table}.{name}")
            };
            Proposal {
                proposed: json!(value),
                follows: moved.map(|(name, value)| (key(name), json!(value))),
                expected: Some(per_evaluation(tuned.rate)),
                basis: Basis::Resampled,
                note,
                ..blank
            }
        }
        Err(error) => Proposal { note: Some(error.to_string()), ..blank },
    }
}

/// Rounds to four digits, towards the side on which fewer values fire.
fn rounded(value: f64, direction: Direction) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    let remote = match direction {
        Direction::Higher => f64::ceil,
        Direction::Lower => f64::floor,
    };
    // a decimal number has a shortest text; a product of a power of ten and an integer may have a longer
    // one.
    let text = format!("{:e}", remote(value * 10f64.powi(digits)));
    let (number, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0) - digits;
    format!("{number}e{exponent}").parse().unwrap_or(value)
}

/// A key as TOML files write it.
fn quoted(key: &str) -> String {
    let bare = key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if bare { key.to_owned() } else { format!("{key:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_cut_where_fewer_values_fire() {
        assert_eq!(rounded(0.012_341_2, Direction::Higher), 0.01235);
        assert_eq!(rounded(0.012_341_2, Direction::Lower), 0.01234);
        assert_eq!(rounded(-2.0, Direction::Lower), -2.0);
        assert_eq!(rounded(123_456.0, Direction::Higher), 123_500.0);
        assert_eq!(rounded(9.999_99, Direction::Higher), 10.0);
        assert_eq!(rounded(0.3, Direction::Higher).to_string(), "0.3");
    }
}
