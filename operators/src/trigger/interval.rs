//! What triggers share that look at their samples every so often: intervals and the warm-up.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Cut, Decision, Reason, Step, Trigger, TriggerTable, WindowBounds};
use crate::{Change, Id, Kind, Snapshot, SnapshotError, position_time};

/// A sample of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sample {
    /// Time of the position at which it came, in milliseconds since 1970.
    pub(super) time: i64,
    pub(super) id: Id,
    pub(super) label: Option<u32>,
}

/// Which samples make an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// All, as they come.
    All,
    /// Those whose label is known, each when it becomes known.
    Labelled,
}

/// What is to be done with a complete interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing: it belongs to the warm-up.
    WarmUp,
    /// Train without looking: the warm-up says so, or there is no model to look at.
    Train,
    /// Look.
    Look,
}

/// Cuts the stream in intervals of a number of samples.
///
/// A sample that is taken back leaves the interval that is not complete, and so does one whose
/// label is taken back, where labels count; a label that is corrected is corrected there. What a
/// complete interval held stays as it was.
pub(super) struct Intervals {
    every: usize,
    counted: Counted,
    warmup: u64,
    warmup_trigger: Option<Box<dyn Trigger>>,
    state: State,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// The interval that is not complete.
    samples: Vec<Sample>,
    seen: u64,
    /// Whether the warm-up trigger decided within the interval.
    fired: bool,
    has_model: bool,
}

impl Intervals {
    pub(super) fn new(
        counted: Counted,
        every: NonZeroUsize,
        warmup: u64,
        warmup_trigger: Option<&TriggerTable>,
    ) -> Self {
        let warmup_trigger = warmup_trigger.map(|table| table.init());
        Self { every: every.get(), counted, warmup, warmup_trigger, state: State::default() }
    }

    /// What is wrong with the table of a warm-up trigger.
    pub(super) fn check(table: Option<&TriggerTable>) -> Vec<(&'static str, String)> {
        match table {
            None => Vec::new(),
            Some(table @ (TriggerTable::amount(_) | TriggerTable::time(_))) => {
                let problems = table.check().into_iter();
                problems.map(|(key, text)| ("warmup_trigger", format!("{key}: {text}"))).collect()
            }
            Some(_) => vec![("warmup_trigger", "wanted `amount` or `time`".to_owned())],
        }
    }

    /// Sees one change; the interval that it completes, and what is to be done with it.
    pub(super) fn observe(&mut self, change: &Change) -> Option<(Vec<Sample>, Phase)> {
        if !self.enters(change) {
            return None;
        }
        if self.state.seen < self.warmup {
            self.observe_warmup(&Change { kind: Kind::Insert, ..*change });
        }
        self.state.seen += 1;
        let record = change.record;
        let time = position_time(change.at);
        self.state.samples.push(Sample { time, id: record.id(), label: record.label });
        if self.state.samples.len() < self.every {
            return None;
        }
        let samples = std::mem::take(&mut self.state.samples);
        Some((samples, self.phase()))
    }

    /// Whether a sample enters with the change; what leaves or changes, does.
    fn enters(&mut self, change: &Change) -> bool {
        let (id, label) = (change.record.id(), change.record.label);
        let labelled = self.counted == Counted::Labelled;
        match change.kind {
            Kind::Insert => !labelled || label.is_some(),
            Kind::Retract => {
                self.state.samples.retain(|sample| sample.id != id);
                false
            }
            Kind::Label if labelled && label.is_none() => {
                self.state.samples.retain(|sample| sample.id != id);
                false
            }
            Kind::Label if labelled && change.before.is_none() => true,
            Kind::Label => {
                let held = self.state.samples.iter_mut().filter(|sample| sample.id == id);
                held.for_each(|sample| sample.label = label);
                false
            }
            Kind::Delete => false,
        }
    }

    fn observe_warmup(&mut self, change: &Change) {
        let Some(trigger) = &mut self.warmup_trigger else { return };
        // the interval decides as a whole, so it does not matter how often or where inside it.
        while let Step::Decide(decision) = trigger.observe(change) {
            self.state.fired = true;
            if decision.cut == Cut::After {
                break;
            }
        }
    }

    fn phase(&mut self) -> Phase {
        let fired = std::mem::take(&mut self.state.fired);
        if self.state.seen < self.warmup {
            return if fired { Phase::Train } else { Phase::WarmUp };
        }
        // at the end of the warm-up its trigger still has the say over the last interval.
        let ended_now = self.state.seen < self.warmup + self.every as u64;
        let train = fired && ended_now || !self.state.has_model;
        if train { Phase::Train } else { Phase::Look }
    }

    /// A model was made.
    pub(super) fn trained(&mut self) {
        self.state.has_model = true;
    }

    /// The samples of the interval that is not complete.
    pub(super) fn open(&self) -> &[Sample] {
        &self.state.samples
    }
}

impl Snapshot for Intervals {
    fn save(&self) -> Vec<u8> {
        let warmup = self.warmup_trigger.as_ref().map(|trigger| trigger.save());
        (self.state.clone(), warmup).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (state, warmup): (State, Option<Vec<u8>>) = crate::restore(saved)?;
        if let (Some(trigger), Some(saved)) = (&mut self.warmup_trigger, &warmup) {
            trigger.load(saved)?;
        }
        self.state = state;
        Ok(())
    }
}

/// The decision of an interval that is not looked at.
pub(super) fn warmup_training(policy: &str) -> Step {
    Step::Decide(Decision::plain(Cut::After, Reason::plain(policy, "warm-up")))
}

/// The bounds of an interval.
pub(super) fn bounds(samples: &[Sample]) -> WindowBounds {
    let items: Vec<(i64, Id)> = samples.iter().map(|sample| (sample.time, sample.id)).collect();
    WindowBounds::of("interval", items.iter())
}
