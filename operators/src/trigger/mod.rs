//! When to train.

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

    /// The parts that can be calibrated on a stable stretch of the stream (default: none).
    fn stable(&self) -> Stable<'_> {
        Stable::Nothing
    }

    /// Starts the policy for such a stretch: it sees what it always sees, and lets nothing come of
    /// it.
    fn init_stable(&self) -> Box<dyn Trigger> {
        measuring(self.init())
    }
}

/// Decides, change by change in the order of positions, when to train.
///
/// A policy never does anything itself: what it needs to know it asks for. Its host calls
/// [`observe`](Self::observe) for every change; while a question or a training is open, no further
/// change is shown.
pub trait Trigger: Snapshot + Send {
    /// Sees one change.
    ///
    /// A question, a measurement that found nothing and a decision with [`Cut::After`] leave it seen. Every
    /// measurement of a policy gives exactly one of [`Step::Measured`] and a decision that holds it.
    ///
    /// A decision with [`Cut::Before`] leaves the change unseen: it is shown again after the
    /// training, so that one change can cause several decisions.
    fn observe(&mut self, change: &Change) -> Step;

    /// Decides before a change that it does not see: what [`observe`](Self::observe) would decide
    /// with [`Cut::Before`], for a host that must know this before anyone sees the change.
    ///
    /// To be asked until it has nothing to say; then `observe` decides nothing with that cut. A
    /// policy that never does needs not implement it.
    fn before(&mut self, _change: &Change) -> Option<Firing> {
        None
    }

    /// Sees `changes` up to the first that it has an answer to: how many came before that one, and
    /// the answer.
    fn observe_all(&mut self, changes: &[Change]) -> (usize, Step) {
        for (passed, change) in changes.iter().enumerate() {
            match self.observe(change) {
                Step::Continue => {}
                answer => return (passed, answer),
            }
        }
        (changes.len(), Step::Continue)
    }

    /// Sees the answer to its question: one row per id asked for, in that order. It may ask again.
    ///
    /// The change that caused the question is not shown again, also after [`Cut::Before`].
    fn answer(&mut self, _answer: &Matrix) -> Step {
        Step::Continue
    }

    /// Learns what became of its last decision.
    fn trained(&mut self, _outcome: &Outcome) {}

    /// Shows every sample it has observed and may still ask about: the features of all others can
    /// go.
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
