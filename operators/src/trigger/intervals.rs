//! The intervals at which a trigger evaluates.

use serde::{Deserialize, Serialize};

use super::{Cut, Firing, Outcome, Phase, Reason, Step, Trigger, TriggerTable};
use crate::drift::window::Item;
use crate::{Change, Id, Snapshot, SnapshotError, restore};

/// Divides a stream into intervals of `every` samples and decides in the warm-up: the common part of
/// all policies that evaluate the newest model at intervals.
///
/// Without a model, and during the first `warmup` samples in any case, there is nothing to evaluate. A
/// warm-up trigger then decides at the end of each interval. Without a warm-up trigger, the end of the
/// warm-up trains the first model.
pub(super) struct Intervals {
    every: usize,
    warmup: u64,
    trigger: Option<Box<dyn Trigger>>,
    state: State,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// Samples of the current interval.
    items: Vec<Item>,
    seen: u64,
    /// Number of samples seen before the interval began; retractions make the interval longer.
    begun: u64,
    /// Whether the warm-up trigger decided within the interval.
    fired: bool,
    has_model: bool,
}

/// A complete interval.
pub(super) struct Interval {
    /// Its samples, in order.
    pub(super) items: Vec<Item>,
    /// Set if the interval began within the warm-up: whether it is the last such interval.
    pub(super) warmup: Option<Last>,
    /// The action that is due.
    pub(super) due: Due,
}

/// Whether an interval of the warm-up is its last.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Last(pub(super) bool);

/// The action at the end of an interval.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Due {
    /// Nothing: the warm-up trigger had no reason to train.
    Nothing,
    /// Train, as the warm-up requires.
    Train,
    /// Evaluate with the newest model.
    Evaluate,
}

impl Intervals {
    pub(super) fn new(every: usize, warmup: u64, trigger: Option<&TriggerTable>) -> Self {
        let trigger = trigger.map(|table| table.init());
        Self { every, warmup, trigger, state: State::default() }
    }

    /// The problem of a warm-up trigger.
    pub(super) fn check(trigger: Option<&TriggerTable>) -> Option<(&'static str, String)> {
        let simple =
            |table: &TriggerTable| matches!(table, TriggerTable::amount(_) | TriggerTable::time(_));
        let wanted = || ("warmup_trigger", "wanted `amount` or `time`".to_owned());
        trigger.filter(|table| !simple(table)).map(|_| wanted())
    }

    /// Adds a sample. Returns the interval if it is complete.
    pub(super) fn insert(&mut self, change: &Change) -> Option<Interval> {
        if self.state.seen < self.warmup {
            self.observe_warmup(change);
        }
        self.state.seen += 1;
        self.state.items.push((change.at.time(), change.record.id()));
        if self.state.items.len() < self.every {
            return None;
        }
        let begun = std::mem::replace(&mut self.state.begun, self.state.seen);
        let warmup = (begun < self.warmup).then_some(Last(self.state.seen >= self.warmup));
        let due = self.due(warmup.is_some());
        let items = std::mem::take(&mut self.state.items);
        Some(Interval { items, warmup, due })
    }

    /// Removes a sample that was retracted.
    pub(super) fn retract(&mut self, id: Id) {
        self.state.items.retain(|(_, held)| *held != id);
    }

    /// Records the outcome of a training.
    pub(super) fn trained(&mut self, outcome: &Outcome) {
        self.state.has_model |= outcome.version.is_some();
    }

    /// Samples of the current interval.
    pub(super) fn items(&self) -> &[Item] {
        &self.state.items
    }

    fn observe_warmup(&mut self, change: &Change) {
        let Some(trigger) = &mut self.trigger else { return };
        // the interval decides as a whole, so the number and the positions of decisions inside it do not
        // matter.
        while let Step::Fire(decision) = trigger.observe(change) {
            self.state.fired = true;
            if decision.cut == Cut::After {
                break;
            }
        }
    }

    fn due(&mut self, in_warmup: bool) -> Due {
        let fired = std::mem::take(&mut self.state.fired);
        // the warm-up trigger still decides on the last interval of the warm-up.
        match (self.state.seen < self.warmup || fired && in_warmup, fired) {
            (true, true) => Due::Train,
            (true, false) => Due::Nothing,
            (false, _) if !self.state.has_model => Due::Train,
            (false, _) => Due::Evaluate,
        }
    }
}

/// The step of a policy whose warm-up decides to train.
pub(super) fn warmup_training(policy: &str) -> Step {
    let firing = Firing::plain(Cut::After, Reason::plain(policy, "warm-up"));
    Step::Fire(Firing { phase: Phase::WarmUp, ..firing })
}

impl Snapshot for Intervals {
    fn save(&self) -> Vec<u8> {
        (self.state.clone(), self.trigger.as_ref().map(|trigger| trigger.save())).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (state, trigger): (State, Option<Vec<u8>>) = restore(saved)?;
        if let (Some(own), Some(saved)) = (&mut self.trigger, &trigger) {
            own.load(saved)?;
        }
        self.state = state;
        Ok(())
    }
}
