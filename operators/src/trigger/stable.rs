//! Policies on a part of the stream that is declared stable.

use super::{Aggregate, Firing, Outcome, Step, Trigger, TriggerTable};
use crate::criterion::Direction;
use crate::drift::detector::DetectorConfig;
use crate::snapshot::snapshot_fields;
use crate::{Change, Id, Matrix};

/// The parts of a policy that can be calibrated on a stable part of the stream.
pub enum Stable<'a> {
    /// Nothing: the policy measures nothing that has a threshold.
    Nothing,
    /// The thresholds of its metrics.
    Thresholds {
        /// Each metric's key, and the side of its threshold on which it fires.
        metrics: Vec<(&'static str, Direction)>,
        /// The number of metrics that must agree.
        aggregate: Aggregate,
        /// Number of samples between two measurements.
        every: usize,
    },
    /// A detector. The scores of the measurements are the values that it would have processed.
    Detector {
        /// Its key.
        key: &'static str,
        /// Its table.
        config: &'a dyn DetectorConfig,
        /// Number of values between two measurements.
        every: usize,
    },
    /// The members of the policy, by name.
    Members(Vec<(&'a str, &'a TriggerTable)>),
}

/// A policy that, once there is a model, continues to measure but does not fire because of its
/// measurements. Its windows and histories are therefore those of a part without false alarms. It still
/// makes decisions without a measurement, such as those of a warm-up.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, trigger::*};
/// let mut trigger = measuring(Amount { every: 2.try_into().unwrap() }.init());
/// let record = |i| Record::new(Position::new(0, Id(i)), 0, 0, None);
/// let steps: Vec<bool> =
///     (0..2).map(|i| matches!(trigger.observe(&Change::insert(record(i))), Step::Fire(_))).collect();
/// assert_eq!(steps, [false, true]);
/// ```
pub fn measuring(trigger: Box<dyn Trigger>) -> Box<dyn Trigger> {
    Box::new(Measuring { trigger, has_model: false })
}

struct Measuring {
    trigger: Box<dyn Trigger>,
    has_model: bool,
}

impl Measuring {
    fn quiet(&self, step: Step) -> Step {
        match step {
            Step::Fire(Firing { measurement: Some(measurement), .. }) if self.has_model => {
                Step::Measured(measurement)
            }
            step => step,
        }
    }
}

impl Trigger for Measuring {
    fn before(&mut self, change: &Change) -> Option<Firing> {
        // the inner policy does not return a dropped decision again.
        std::iter::from_fn(|| self.trigger.before(change))
            .find(|decision| !self.has_model || decision.measurement.is_none())
    }

    fn observe(&mut self, change: &Change) -> Step {
        match self.before(change) {
            Some(decision) => Step::Fire(decision),
            None => {
                let step = self.trigger.observe(change);
                self.quiet(step)
            }
        }
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let step = self.trigger.answer(answer);
        self.quiet(step)
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.trigger.trained(outcome);
        self.has_model |= outcome.version.is_some();
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.trigger.retained_samples(visit);
    }
}

snapshot_fields!(Measuring: trigger, has_model);
