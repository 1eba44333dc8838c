//! The trigger on drift between two windows.

mod aggregate;
mod calibration;
mod comparing;
mod config;
mod metric_set;
mod window_sample;

pub use aggregate::Aggregate;
pub use config::{Compared, Drift};

use super::intervals::Intervals;
use super::{Stable, Trigger, TriggerConfig};
use crate::criterion::Direction;
use comparing::DriftTrigger;

pub(super) const EXAMPLE: &str = "every = 250
windows.amount = { reference = 1000, current = 500 }
metrics.mmd = { threshold = { p_value = 0.01 } }";

impl TriggerConfig for Drift {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(DriftTrigger::new(self))
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let metrics = self.metrics.check().into_iter();
        let mut problems: Vec<_> = metrics.map(|problem| ("metrics", problem)).collect();
        problems.extend(Intervals::check(self.warmup_trigger.as_deref()));
        let votes = self.aggregate.check(self.metrics.named().len());
        problems.extend(votes.map(|problem| ("aggregate", problem)));
        problems
    }

    fn stable(&self) -> Stable<'_> {
        let named = self.metrics.named().into_iter();
        Stable::Thresholds {
            metrics: named.map(|(key, _)| (key, Direction::Higher)).collect(),
            aggregate: self.aggregate,
            every: self.every.get(),
        }
    }
}
