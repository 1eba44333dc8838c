//! Intervals of samples with their labels.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::intervals::{Due, Interval, Intervals};
use super::{Outcome, TriggerTable, WindowBounds};
use crate::drift::window::Item;
use crate::snapshot::snapshot_fields;
use crate::{Change, Id, Kind};

/// A sample of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sample {
    /// Time of the position at which it entered, in milliseconds since 1970.
    pub(super) time: i64,
    pub(super) id: Id,
    pub(super) label: Option<u32>,
}

/// The samples that count towards an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// All samples, as they arrive.
    All,
    /// Samples with a label, each when its label becomes known.
    Labelled,
}

/// Divides the stream into intervals of a number of samples.
///
/// A retracted sample leaves the current interval. If labels count, a sample whose label is retracted
/// leaves it as well, and a corrected label is corrected there. Complete intervals do not change.
pub(super) struct LabelledIntervals {
    counted: Counted,
    intervals: Intervals,
    /// Labels of the current interval.
    labels: BTreeMap<Id, u32>,
}

impl LabelledIntervals {
    pub(super) fn new(
        counted: Counted,
        every: NonZeroUsize,
        warmup: u64,
        warmup_trigger: Option<&TriggerTable>,
    ) -> Self {
        let intervals = Intervals::new(every.get(), warmup, warmup_trigger);
        Self { counted, intervals, labels: BTreeMap::new() }
    }

    /// Observes one change. Returns the interval that it completes, and the action that is due.
    pub(super) fn observe(&mut self, change: &Change) -> Option<(Vec<Sample>, Due)> {
        if !self.enters(change) {
            return None;
        }
        self.labels.extend(change.record.label.map(|label| (change.record.id(), label)));
        let entered = Change { kind: Kind::Insert, ..*change };
        let Interval { items, due, .. } = self.intervals.insert(&entered)?;
        let labels = std::mem::take(&mut self.labels);
        let sample = |(time, id): Item| Sample { time, id, label: labels.get(&id).copied() };
        Some((items.into_iter().map(sample).collect(), due))
    }

    /// Whether a sample enters with the change. Applies retractions and corrections.
    fn enters(&mut self, change: &Change) -> bool {
        let (id, label) = (change.record.id(), change.record.label);
        let labelled = self.counted == Counted::Labelled;
        match change.kind {
            Kind::Insert => !labelled || label.is_some(),
            Kind::Retract => self.leaves(id),
            Kind::Label if labelled => match (change.before, label) {
                (_, None) => self.leaves(id),
                (None, Some(_)) => true,
                (Some(_), Some(label)) => {
                    self.labels.entry(id).and_modify(|held| *held = label);
                    false
                }
            },
            Kind::Label | Kind::Delete => false,
        }
    }

    fn leaves(&mut self, id: Id) -> bool {
        self.labels.remove(&id);
        self.intervals.retract(id);
        false
    }

    /// Records the outcome of a training.
    pub(super) fn trained(&mut self, outcome: &Outcome) {
        self.intervals.trained(outcome);
    }

    /// Visits the samples of the current interval.
    pub(super) fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.intervals.items().iter().for_each(|(_, id)| visit(*id));
    }
}

snapshot_fields!(LabelledIntervals: intervals, labels);

/// The bounds of an interval.
pub(super) fn bounds(samples: &[Sample]) -> WindowBounds {
    WindowBounds::of("interval", items(samples).iter())
}

/// Times and ids of samples.
pub(super) fn items(samples: &[Sample]) -> Vec<Item> {
    samples.iter().map(|sample| (sample.time, sample.id)).collect()
}
