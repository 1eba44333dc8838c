//! The trigger after a number of samples.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::{Cut, Firing, Reason, Step, Trigger, TriggerConfig};
use crate::{Change, Id, Kind};

pub(super) const EXAMPLE: &str = "every = 1000";

/// Trains after every `every` samples.
///
/// Samples after the last full batch train nothing. A sample counts when it enters, even if it replaces
/// another. Later retractions and labels do not change the count.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, trigger::*};
/// let mut trigger = Amount { every: 4.try_into().unwrap() }.init();
/// let fired: Vec<u64> = (0..10)
///     .filter(|&i| {
///         let record = Record::new(Position::new(0, Id(i)), 0, 0, None);
///         matches!(trigger.observe(&Change::insert(record)), Step::Fire(_))
///     })
///     .collect();
/// assert_eq!(fired, [3, 7]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Number of samples between two trainings.
    pub every: NonZeroU64,
}

impl TriggerConfig for Amount {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(AmountTrigger { every: self.every.get(), seen: 0 })
    }
}

#[derive(Serialize, Deserialize)]
struct AmountTrigger {
    every: u64,
    seen: u64,
}

impl Trigger for AmountTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        if change.kind != Kind::Insert {
            return Step::Continue;
        }
        self.seen += 1;
        if self.seen < self.every {
            return Step::Continue;
        }
        self.seen = 0;
        let reason = Reason::plain("amount", format!("{} samples", self.every));
        Step::Fire(Firing::plain(Cut::After, reason))
    }

    fn retained_samples(&self, _visit: &mut dyn FnMut(Id)) {}
}
