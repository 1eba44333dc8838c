//! The trigger after a span of event time.

use serde::{Deserialize, Serialize};

use super::{Cut, Firing, Reason, Step, Trigger, TriggerConfig};
use crate::{Change, Id, Span};

pub(super) const EXAMPLE: &str = "every = \"1d\"";

/// Trains when event time passes a multiple of `every`.
///
/// The grid is `start + k · every`, k = 1, 2, …, and is not moved by trainings. A sample at a grid time
/// belongs to the following period. A gap of several periods leads to one decision, whose reason states
/// their number. The period that is open at the end of the stream trains nothing. Time passes with every
/// change, including retractions and labels.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, Span, trigger::*};
/// let mut trigger = Time { every: Span::from_millis(10), start: None }.init();
/// let mut before = Vec::new();
/// for (i, time) in [0, 1, 9, 10, 11, 35].into_iter().enumerate() {
///     let record = Record::new(Position::new(time, Id(i as u64)), 0, time, None);
///     // a change is shown again until the policy does not fire before it.
///     while let Step::Fire(_) = trigger.observe(&Change::insert(record)) {
///         before.push(i);
///     }
/// }
/// assert_eq!(before, [3, 5]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Length of a period, such as `"1d"`.
    pub every: Span,
    /// Start of the grid, in milliseconds since 1970 (default: the first sample).
    pub start: Option<i64>,
}

impl TriggerConfig for Time {
    fn init(&self) -> Box<dyn Trigger> {
        let every = self.every.millis();
        Box::new(TimeTrigger { every, next: self.start.map(|start| start.saturating_add(every)) })
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        if self.every.millis() > 0 {
            return Vec::new();
        }
        vec![("every", "a period must be longer than zero".into())]
    }
}

#[derive(Serialize, Deserialize)]
struct TimeTrigger {
    every: i64,
    next: Option<i64>,
}

impl Trigger for TimeTrigger {
    fn before(&mut self, change: &Change) -> Option<Firing> {
        let time = change.at.time();
        let next = *self.next.get_or_insert(time.saturating_add(self.every));
        if time < next {
            return None;
        }
        // a gap of many periods, for example because of a wrong clock, is one decision.
        let passed = (i128::from(time) - i128::from(next)) / i128::from(self.every) + 1;
        let following = i128::from(next) + passed * i128::from(self.every);
        self.next = Some(i64::try_from(following).unwrap_or(i64::MAX));
        let every = Span::from_millis(self.every);
        let reason = match passed {
            1 => format!("{every} passed"),
            _ => format!("{every} passed {passed} times"),
        };
        let reason = Reason::plain("time", reason);
        Some(Firing::plain(Cut::Before, reason))
    }

    fn observe(&mut self, change: &Change) -> Step {
        self.before(change).map_or(Step::Continue, Step::Fire)
    }

    fn retained_samples(&self, _visit: &mut dyn FnMut(Id)) {}
}
