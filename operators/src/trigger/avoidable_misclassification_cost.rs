//! The trigger on the cost of avoidable misclassifications.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::avoidable::{Accuracies, Expectation, check_accuracy};
use super::cost::{Balance, Prices, TrainingCost};
use super::intervals::{Due, Intervals, warmup_training};
use super::labelled::{Counted, LabelledIntervals, Sample, items};
use super::trend::Forecast;
use super::{Outcome, Question, Step, Trigger, TriggerConfig, TriggerTable, Want, outputs};
use crate::snapshot::snapshot_fields;
use crate::{Change, Id, Matrix};

const POLICY: &str = "avoidable_misclassification_cost";

pub(super) const EXAMPLE: &str = "every = 250
expected_accuracy = 0.9
conversion = 0.000001
training.declared = { fixed = 20, per_sample = 0.001 }";

/// Trains when the errors that a training would have avoided have cost as much as the training.
///
/// ```text
/// r = wrong − (1 − expected accuracy) · n         avoidable errors of an interval of n samples
/// regret = ∫ (Σ r since the last training) dt     in error-seconds of event time; r is spread evenly
/// train where regret · conversion ≥ seconds that a training of the samples since takes
/// ```
///
/// After every `every` labelled samples, the newest model predicts these samples before it is trained on
/// them. Without `expected_accuracy`, the accuracy is forecast from those of past models on the first
/// interval after their trainings. The cost of a training is measured or declared ([`TrainingCost`]). A
/// measured cost is a line through the sizes of the training sets.
///
/// A sample enters when its label becomes known, and never without a label. Until its interval is complete,
/// a corrected label is corrected there, and a sample leaves if it is retracted or loses its label. In the
/// warm-up no model is used: `warmup_trigger` decides. Without a warm-up trigger, the end of the warm-up
/// trains the first model. The regret restarts at 0 with every model.
///
/// Reference: M. Böther et al., *Modyn: Data-Centric Machine Learning Pipeline Orchestration*,
/// SIGMOD (2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AvoidableMisclassificationCost {
    /// Number of labelled samples between two measurements.
    pub every: NonZeroUsize,
    /// Number of labelled samples before the first measurement (default 0: the first `every` train the
    /// first model).
    #[serde(default)]
    pub warmup: u64,
    /// The trigger that decides in the warm-up, evaluated after every `every` samples: `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// Accuracy of a newly trained model, from 0 to 1 (default: forecast).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_accuracy: Option<f64>,
    /// The forecast of the accuracy (default `ridge`).
    #[serde(default)]
    pub forecast: Forecast,
    /// Whether intervals that are better than expected offset others (default no).
    #[serde(default)]
    pub allow_reduction: bool,
    /// The value of an error-second, in seconds of training.
    pub conversion: f64,
    /// The cost of a training (default: measured on the last 10).
    #[serde(default)]
    pub training: TrainingCost,
}

impl AvoidableMisclassificationCost {
    fn start(&self) -> CostTrigger {
        let warmup = self.warmup_trigger.as_deref();
        CostTrigger {
            config: self.clone(),
            intervals: LabelledIntervals::new(Counted::Labelled, self.every, self.warmup, warmup),
            state: State::default(),
        }
    }

    fn prices(&self) -> Prices<'_> {
        Prices { policy: POLICY, conversion: self.conversion, training: &self.training }
    }

    fn expectation(&self) -> Expectation {
        Expectation {
            accuracy: self.expected_accuracy,
            forecast: self.forecast,
            allow_reduction: self.allow_reduction,
        }
    }
}

impl TriggerConfig for AvoidableMisclassificationCost {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(self.start())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::from_iter(Intervals::check(self.warmup_trigger.as_deref()));
        let accuracy = check_accuracy(self.expected_accuracy);
        problems.extend(accuracy.map(|problem| ("expected_accuracy", problem.to_owned())));
        problems.extend(self.prices().check());
        problems
    }

    fn check_shadow(&self) -> Vec<(&'static str, String)> {
        Vec::from_iter(self.training.check_shadow())
    }
}

struct CostTrigger {
    config: AvoidableMisclassificationCost,
    intervals: LabelledIntervals,
    state: State,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    balance: Balance,
    accuracies: Accuracies,
    /// The samples of the open question.
    asked: Vec<Sample>,
}

snapshot_fields!(CostTrigger: intervals, state);

impl Trigger for CostTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        let Some((samples, due)) = self.intervals.observe(change) else { return Step::Continue };
        if due == Due::Evaluate {
            let ids = samples.iter().map(|sample| sample.id).collect();
            self.state.asked = samples;
            return Step::Ask(Question { want: Want::Predictions, ids });
        }
        // time passes, but the number of avoidable errors is unknown.
        self.state.balance.add_evenly(&items(&samples), 0.0);
        if due == Due::Train { warmup_training(POLICY) } else { Step::Continue }
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let State { balance, accuracies, asked } = &mut self.state;
        let samples = std::mem::take(asked);
        let wrong = outputs::wrong(&samples, answer);
        let expectation = self.config.expectation();
        let (avoidable, _) = accuracies.avoidable(&expectation, samples.len() as u64, wrong);
        let items = items(&samples);
        balance.add_evenly(&items, avoidable);
        balance.evaluate(&self.config.prices(), &items)
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.intervals.trained(outcome);
        if outcome.version.is_some() {
            self.state.accuracies.trained();
            self.state.balance.trained(&self.config.prices(), outcome);
        }
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.intervals.retained_samples(visit);
        self.state.asked.iter().for_each(|sample| visit(sample.id));
    }
}
