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

/// Trains when errors that a training would have avoided have cost as much as it would.
///
/// ```text
/// r = wrong − (1 − expected accuracy) · n         avoidable errors of an interval of n samples
/// regret = ∫ (Σ r since the last training) dt     in error-seconds of event time; r comes evenly
/// train where regret · conversion ≥ seconds that a training of the samples since takes
/// ```
///
/// After every `every` labelled samples the newest model is asked about exactly these, before it is
/// trained on them. As long as `expected_accuracy` is not given it is forecast from the accuracies
/// that past models had on the first interval after their trainings. What a training takes is
/// measured, or declared ([`TrainingCost`]); measured, the line is laid through the sizes of the
/// training sets.
///
/// A sample enters when its label becomes known; without a label it never does. Until its interval
/// is complete a corrected label is corrected, and a sample leaves that is retracted or loses its
/// label. In the warm-up no model is asked: `warmup_trigger` decides, or, without one, its end trains
/// the first model. The regret starts again with every model.
///
/// Reference: M. Böther et al., *Modyn: Data-Centric Machine Learning Pipeline Orchestration*,
/// SIGMOD (2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AvoidableMisclassificationCost {
    /// Labelled samples between two measurements.
    pub every: NonZeroUsize,
    /// Labelled samples before the first measurement (default 0: the first `every` train the first model).
    #[serde(default)]
    pub warmup: u64,
    /// Decides in the warm-up, evaluated after every `every` samples; `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// Accuracy of a model that was trained just now, from 0 to 1 (default: forecast).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_accuracy: Option<f64>,
    /// How it is forecast (default `ridge`).
    #[serde(default)]
    pub forecast: Forecast,
    /// Whether intervals better than expected make up for others (default no).
    #[serde(default)]
    pub allow_reduction: bool,
    /// Seconds of training that an error-second is worth.
    pub conversion: f64,
    /// What a training takes (default: measured on the last 10).
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
