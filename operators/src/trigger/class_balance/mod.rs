//! The trigger on a change of the class distribution.

mod test;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use self::test::compare;
use super::intervals::{Due, Intervals, warmup_training};
use super::labelled::{Counted, LabelledIntervals, items};
use super::{
    Firing, Measurement, Outcome, Reason, Score, Step, Trigger, TriggerConfig, TriggerTable,
    WindowBounds,
};
use crate::drift::window::{WindowTable, Windows};
use crate::snapshot::snapshot_fields;
use crate::{Change, Id, Kind};

const POLICY: &str = "class_balance";

pub(super) const EXAMPLE: &str = "every = 250
windows.amount = { reference = 1000, current = 500 }
p_value = 0.001";

/// Trains when the class distribution differs from that up to the last training.
///
/// After every `every` labelled samples the class counts of the current window are compared with
/// those of the reference window, which ends at the last training, by Pearson's test of homogeneity:
///
/// ```text
/// χ² = Σ over both windows and all classes of (O − E)² / E     E = n_window · n_class / n
/// ```
///
/// with one degree of freedom less than there are classes. The policy fires if a χ² of at least this size
/// has a probability below `p_value` without a change. This is the probability for one measurement: of many
/// measurements of an unchanged distribution, the share `p_value` fires.
///
/// **Small samples.** The distribution of χ² is a limit. Classes with fewer than `minimum_expected`
/// expected samples in either window are combined into one category, together with the next rarest classes
/// until the category has enough expected samples. If fewer than two categories remain, the most frequent
/// class is compared with all others by Fisher's exact test, whatever the counts. If both windows have a
/// single common class, p is 1. A new or rare class may therefore remain undetected: see
/// [`NewClass`](super::NewClass).
///
/// A sample enters when its label becomes known, which may be later than its own position. Until its
/// interval is complete and in the windows, a corrected label is corrected, and a sample leaves if it is
/// retracted or loses its label. No model is used. In the warm-up nothing is compared: `warmup_trigger`
/// decides. Without a warm-up trigger, the end of the warm-up trains the first model.
///
/// Reference: K. Pearson, Philosophical Magazine 50 (1900); W. G. Cochran, *Some Methods for
/// Strengthening the Common χ² Tests*, Biometrics 10 (1954), for the least expected count;
/// R. A. Fisher, *Statistical Methods for Research Workers* (1934), §21.02.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, trigger::*};
/// let table = "every = 50\np_value = 0.05\nwindows.amount = { reference = 100, current = 50 }";
/// let mut trigger = toml::from_str::<ClassBalance>(table).unwrap().init();
/// let mut decided = Vec::new();
/// for i in 0..500 {
///     // every fourth sample is of class 1, and every second from sample 220 on.
///     let label = Some(u32::from(i % if i < 220 { 4 } else { 2 } == 0));
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, label);
///     if let Step::Fire(decision) = trigger.observe(&Change::insert(record)) {
///         decided.push((i, decision.reason.text));
///         trigger.trained(&Outcome::trained(0, 1, Position::MIN));
///     }
/// }
/// // 13 of 50 in the reference, and 25 of 50 in the current window.
/// let found = "chi_squared 6.1121, p 1.34e-2 < 0.05".to_owned();
/// assert_eq!(decided, [(49, "warm-up".to_owned()), (299, found)]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClassBalance {
    /// Number of labelled samples between two measurements.
    pub every: NonZeroUsize,
    /// Number of labelled samples before the first measurement (default 0: the first `every` train the
    /// first model).
    #[serde(default)]
    pub warmup: u64,
    /// The trigger that decides in the warm-up, evaluated after every `every` samples: `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// The windows of compared labelled samples.
    pub windows: WindowTable,
    /// The significance level: a p-value below it fires. Above 0 and at most 1.
    pub p_value: f64,
    /// Minimum number of expected samples of a class that is its own category (default 5).
    #[serde(default = "five")]
    pub minimum_expected: f64,
}

fn five() -> f64 {
    5.0
}

impl ClassBalance {
    fn start(&self) -> ClassBalanceTrigger {
        let warmup = self.warmup_trigger.as_deref();
        ClassBalanceTrigger {
            config: self.clone(),
            intervals: LabelledIntervals::new(Counted::Labelled, self.every, self.warmup, warmup),
            state: State { windows: self.windows.init(), labels: BTreeMap::new() },
        }
    }
}

impl TriggerConfig for ClassBalance {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(self.start())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::from_iter(Intervals::check(self.warmup_trigger.as_deref()));
        if !(self.p_value > 0.0 && self.p_value <= 1.0) {
            let wrong = format!("a p-value must be above 0 and at most 1, not {}", self.p_value);
            problems.push(("p_value", wrong));
        }
        if !(self.minimum_expected >= 1.0 && self.minimum_expected.is_finite()) {
            let wrong = format!("wanted 1 or more, not {}", self.minimum_expected);
            problems.push(("minimum_expected", wrong));
        }
        problems
    }
}

struct ClassBalanceTrigger {
    config: ClassBalance,
    intervals: LabelledIntervals,
    state: State,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    windows: Windows,
    /// The classes of the windows' samples.
    labels: BTreeMap<Id, u32>,
}

impl State {
    /// Updates samples in the windows whose label changes or that are deleted.
    fn follow(&mut self, change: &Change) {
        let id = change.record.id();
        let label = match change.kind {
            Kind::Retract => None,
            Kind::Label => change.record.label,
            Kind::Insert | Kind::Delete => return,
        };
        match label {
            Some(label) => {
                self.labels.entry(id).and_modify(|held| *held = label);
            }
            None => {
                if self.labels.remove(&id).is_some() {
                    self.windows.retract(id);
                }
            }
        }
    }

    /// The counts of each class in the reference and in the current window.
    fn counts(&self) -> Vec<[u64; 2]> {
        let mut counts: BTreeMap<u32, [u64; 2]> = BTreeMap::new();
        for (side, window) in [self.windows.reference(), self.windows.current()].iter().enumerate()
        {
            for label in window.iter().filter_map(|(_, id)| self.labels.get(id)) {
                counts.entry(*label).or_default()[side] += 1;
            }
        }
        counts.into_values().collect()
    }

    /// Removes the classes of samples that have left the windows.
    fn trim(&mut self) {
        let label = |(_, id): &(i64, Id)| Some((*id, *self.labels.get(id)?));
        self.labels = self.windows.items().filter_map(label).collect();
    }
}

impl ClassBalanceTrigger {
    fn measurement(&self) -> Step {
        let windows = &self.state.windows;
        if windows.reference().is_empty() || windows.current().is_empty() {
            return Step::Continue;
        }
        let compared = compare(&self.state.counts(), self.config.minimum_expected);
        let p_value = self.config.p_value;
        let fires = compared.p_value < p_value;
        let score = Score {
            metric: compared.metric.to_owned(),
            value: compared.value,
            threshold: Some(p_value),
            p_value: Some(compared.p_value),
            fires,
        };
        let bounds = [("reference", windows.reference()), ("current", windows.current())];
        let windows = bounds.map(|(name, window)| WindowBounds::of(name, window.iter())).to_vec();
        let measurement = Measurement { scores: vec![score], windows, ..Measurement::of(POLICY) };
        if !fires {
            return Step::Measured(measurement);
        }
        let reason = Reason {
            policy: POLICY.to_owned(),
            text: format!(
                "{} {:.4}, p {:.2e} < {p_value}",
                compared.metric, compared.value, compared.p_value
            ),
            score: Some(compared.value),
            threshold: Some(p_value),
        };
        Step::Fire(Firing::measured(reason, measurement))
    }
}

snapshot_fields!(ClassBalanceTrigger: intervals, state);

impl Trigger for ClassBalanceTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        self.state.follow(change);
        let Some((samples, due)) = self.intervals.observe(change) else { return Step::Continue };
        let labelled = samples.iter().filter_map(|sample| Some((sample.id, sample.label?)));
        self.state.labels.extend(labelled);
        self.state.windows.observe(&items(&samples));
        self.state.trim();
        match due {
            Due::Nothing => Step::Continue,
            Due::Train => warmup_training(POLICY),
            Due::Evaluate => self.measurement(),
        }
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.intervals.trained(outcome);
        if outcome.version.is_some() {
            self.state.windows.trained();
        }
    }

    fn retained_samples(&self, _visit: &mut dyn FnMut(Id)) {}
}
