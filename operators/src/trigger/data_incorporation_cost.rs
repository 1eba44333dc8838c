//! The trigger on the cost of untrained data.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::cost::{Balance, Prices, TrainingCost};
use super::intervals::{Due, Interval, Intervals, warmup_training};
use super::{Outcome, Step, Trigger, TriggerConfig, TriggerTable};
use crate::snapshot::snapshot_fields;
use crate::{Change, Id, Kind};

const POLICY: &str = "data_incorporation_cost";

pub(super) const EXAMPLE: &str = "every = 250
conversion = 0.000001
training.declared = { fixed = 20, per_sample = 0.001 }";

/// Trains when the wait of untrained samples has cost as much as a training.
///
/// ```text
/// regret = ∫ (samples since the last training) dt                   in sample-seconds of event time
/// train where regret · conversion ≥ seconds that a training of these samples takes
/// ```
///
/// The policy evaluates after every `every` samples. `conversion` is the cost of waiting. With 0.001, a
/// thousand samples that wait for one second, or one sample that waits for a thousand seconds, are worth
/// one second of training. The cost of a training is measured or declared ([`TrainingCost`]). A measured
/// cost is a line through the sizes of the training sets, so that it is inaccurate if a selection takes
/// only a part of the new samples.
///
/// In the warm-up nothing is compared: `warmup_trigger` decides. Without a warm-up trigger, the end of the
/// warm-up trains the first model. The regret restarts at 0 with every model. A retracted sample still
/// counts if its interval was complete. Labels are not evaluated.
///
/// Reference: M. Böther et al., *Modyn: Data-Centric Machine Learning Pipeline Orchestration*, SIGMOD
/// (2025). The authors' implementation also multiplies by the factor, but never resets the regret.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, trigger::*};
/// let table = "every = 10\nconversion = 1\ntraining.declared = { fixed = 180, per_sample = 0.5 }";
/// let config: DataIncorporationCost = toml::from_str(table).unwrap();
/// let mut trigger = config.init();
/// let mut decided = Vec::new();
/// for i in 0..100 {
///     // one sample a second: n of them have waited for n²/2 s.
///     let time = i as i64 * 1000;
///     let record = Record::new(Position::new(time, Id(i)), 0, time, None);
///     if let Step::Fire(_) = trigger.observe(&Change::insert(record)) {
///         decided.push(i);
///         trigger.trained(&Outcome { seconds: 9.0, ..Outcome::trained(0, 1, Position::MIN) });
///     }
/// }
/// // 190 ≥ 180 + 10 with twenty samples.
/// assert_eq!(decided, [9, 29, 49, 69, 89]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataIncorporationCost {
    /// Number of samples between two measurements.
    pub every: NonZeroUsize,
    /// Number of samples before the first measurement (default 0: the first `every` train the first model).
    #[serde(default)]
    pub warmup: u64,
    /// The trigger that decides in the warm-up, evaluated after every `every` samples: `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// The value of a sample-second, in seconds of training.
    pub conversion: f64,
    /// The cost of a training (default: measured on the last 10).
    #[serde(default)]
    pub training: TrainingCost,
}

impl DataIncorporationCost {
    fn start(&self) -> CostTrigger {
        let warmup = self.warmup_trigger.as_deref();
        CostTrigger {
            config: self.clone(),
            intervals: Intervals::new(self.every.get(), self.warmup, warmup),
            balance: Balance::default(),
        }
    }

    fn prices(&self) -> Prices<'_> {
        Prices { policy: POLICY, conversion: self.conversion, training: &self.training }
    }
}

impl TriggerConfig for DataIncorporationCost {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(self.start())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::from_iter(Intervals::check(self.warmup_trigger.as_deref()));
        problems.extend(self.prices().check());
        problems
    }

    fn check_shadow(&self) -> Vec<(&'static str, String)> {
        Vec::from_iter(self.training.check_shadow())
    }
}

struct CostTrigger {
    config: DataIncorporationCost,
    intervals: Intervals,
    balance: Balance,
}

snapshot_fields!(CostTrigger: intervals, balance);

impl Trigger for CostTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        let interval = match change.kind {
            Kind::Insert => self.intervals.insert(change),
            Kind::Retract => {
                self.intervals.retract(change.record.id());
                None
            }
            Kind::Label | Kind::Delete => None,
        };
        let Some(Interval { items, due, .. }) = interval else { return Step::Continue };
        self.balance.add_each(&items);
        match due {
            Due::Nothing => Step::Continue,
            Due::Train => warmup_training(POLICY),
            Due::Evaluate => self.balance.evaluate(&self.config.prices(), &items),
        }
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.intervals.trained(outcome);
        if outcome.version.is_some() {
            self.balance.trained(&self.config.prices(), outcome);
        }
    }

    // the policy asks no questions about samples.
    fn retained_samples(&self, _visit: &mut dyn FnMut(Id)) {}
}
