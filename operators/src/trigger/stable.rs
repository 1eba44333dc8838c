//! Policies on a stretch of stream where nothing is said to change.

use super::{Aggregate, Firing, Outcome, Step, Trigger, TriggerTable};
use crate::criterion::Direction;
use crate::drift::detector::DetectorConfig;
use crate::snapshot::snapshot_fields;
use crate::{Change, Id, Matrix};

/// The parts of a policy that can be calibrated on a stable stretch.
pub enum Stable<'a> {
    /// Nothing: it measures nothing that has a threshold.
    Nothing,
    /// The thresholds of what its measurements measure.
    Thresholds {
        /// Each metric's key, and on which side of its threshold it fires.
        metrics: Vec<(&'static str, Direction)>,
        /// The number of metrics that must agree.
        aggregate: Aggregate,
        /// Samples between two measurements.
        every: usize,
    },
    /// A detector; the scores of its measurements are the values that it would have seen.
    Detector {
        /// Its key.
        key: &'static str,
        /// Its table.
        config: &'a dyn DetectorConfig,
        /// Values between two measurements.
        every: usize,
    },
    /// The policies that it is made of, by name.
    Members(Vec<(&'a str, &'a TriggerTable)>),
}

/// A policy that, once there is a model, continues to measure but decides nothing by its measurements:
/// windows and histories are those of a stretch without false alarms. Decisions without a measurement, as
/// those of a warm-up, it makes.
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
        // what it drops it does not ask about again.
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
