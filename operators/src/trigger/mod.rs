//! Trigger policies, which decide when to train.

mod avoidable;
mod cost;
mod decision;
mod firing;
mod intervals;
mod labelled;
mod measurement;
mod on_delete;
mod outcome;
mod outputs;
mod ridge;
mod stable;
mod step;
mod trend;

pub use cost::TrainingCost;
pub use decision::Decision;
pub use drift::{Aggregate, Compared};
pub use ensemble::Votes;
pub use firing::{Cut, Firing, Phase, Reason};
pub use measurement::{Measurement, Score, WindowBounds};
pub use on_delete::OnDelete;
pub use outcome::Outcome;
pub use performance::measure;
pub use sequential::Watched;
pub use stable::{Stable, measuring};
pub use step::{Question, Step, Want};
pub use trend::Forecast;

use crate::{Change, Id, Matrix, Snapshot};

/// The configuration of a trigger policy: a `[trigger.…]` table.
pub trait TriggerConfig: Send + Sync {
    /// Starts the policy from its initial state.
    fn init(&self) -> Box<dyn Trigger>;

    /// Problems of the table that its types cannot detect, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Further problems of the table for a policy that trains nothing (default: none).
    fn check_shadow(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// The parts that can be calibrated on a stable part of the stream (default: none).
    fn stable(&self) -> Stable<'_> {
        Stable::Nothing
    }

    /// Starts the policy for such a part. It observes as usual, but its measurements lead to no decisions.
    fn init_stable(&self) -> Box<dyn Trigger> {
        measuring(self.init())
    }
}

/// Decides, change by change in the order of positions, when to train.
///
/// A policy has no side effects: it asks questions about samples. Its host calls [`observe`](Self::observe)
/// for every change. While a question or a training is open, no further change is shown.
pub trait Trigger: Snapshot + Send {
    /// Observes one change.
    ///
    /// After a question, a measurement that did not fire, or a decision with [`Cut::After`], the change has
    /// been observed. Every measurement of a policy results in exactly one of [`Step::Measured`] and a
    /// decision that contains it.
    ///
    /// After a decision with [`Cut::Before`] the change has not been observed. It is shown again after the
    /// training, so that one change can cause several decisions.
    fn observe(&mut self, change: &Change) -> Step;

    /// Decides before a change that the policy does not observe. The result is what
    /// [`observe`](Self::observe) would decide with [`Cut::Before`]. It is for hosts that must know this
    /// before any policy observes the change.
    ///
    /// The host calls it until it returns nothing; `observe` then decides nothing with that cut. Policies
    /// without such decisions need not implement it.
    fn before(&mut self, _change: &Change) -> Option<Firing> {
        None
    }

    /// Observes `changes` up to the first that leads to a step other than [`Step::Continue`]. Returns the
    /// number of changes before that one, and the step.
    fn observe_all(&mut self, changes: &[Change]) -> (usize, Step) {
        for (passed, change) in changes.iter().enumerate() {
            match self.observe(change) {
                Step::Continue => {}
                answer => return (passed, answer),
            }
        }
        (changes.len(), Step::Continue)
    }

    /// Receives the answer to the policy's question: one row for each id, in the order of the question. The
    /// policy may ask another question.
    ///
    /// The change that caused the question is not shown again, not even after [`Cut::Before`].
    fn answer(&mut self, _answer: &Matrix) -> Step {
        Step::Continue
    }

    /// Reports the outcome of the last decision.
    fn trained(&mut self, _outcome: &Outcome) {}

    /// Visits every observed sample that the policy may still ask about. The features of all other samples
    /// may be removed.
    fn retained_samples(&self, visit: &mut dyn FnMut(Id));
}

driftmill_registry::one_of! {
    /// The `[trigger]` table of a pipeline file.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    TriggerTable: dyn TriggerConfig {
        amount: Amount,
        time: Time,
        drift: Drift,
        sequential: Sequential,
        performance: Performance,
        data_incorporation_cost: DataIncorporationCost,
        avoidable_misclassification_cost: AvoidableMisclassificationCost,
        new_class: NewClass,
        class_balance: ClassBalance,
        ensemble: Ensemble,
    }
}
