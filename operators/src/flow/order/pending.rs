//! Records that wait for the frontier.

use std::collections::{BTreeMap, VecDeque};

use timely::dataflow::operators::Capability;

use crate::{Change, Position};

/// Changes that wait for their time.
#[derive(Default)]
pub(super) struct Pending {
    /// A capability for a time that is not after any pending change.
    capability: Option<Capability<Position>>,
    /// The rest of each batch, in order, by its first position and its number.
    batches: BTreeMap<(Position, u64), VecDeque<Change>>,
    received: u64,
}

impl Pending {
    /// Keeps a batch and the capability it came with.
    pub(super) fn insert(&mut self, capability: Capability<Position>, mut batch: Vec<Change>) {
        if self.capability.as_ref().is_none_or(|held| capability.time() < held.time()) {
            self.capability = Some(capability);
        }
        // this costs little for an ordered batch, and most batches are ordered.
        batch.sort_by_key(Change::order);
        self.keep(self.received, batch.into());
        self.received += 1;
    }

    fn keep(&mut self, number: u64, batch: VecDeque<Change>) {
        if let Some(first) = batch.front() {
            self.batches.insert((first.at, number), batch);
        }
    }

    /// Takes all changes before `frontier`, in order, with a capability for them.
    pub(super) fn take_before(
        &mut self,
        frontier: Option<Position>,
    ) -> Option<(Capability<Position>, Vec<Change>)> {
        let due = |at: Position| frontier.is_none_or(|frontier| at < frontier);
        let mut released = Vec::new();
        let mut kept = Vec::new();
        while let Some(entry) = self.batches.first_entry().filter(|entry| due(entry.key().0)) {
            let ((_, number), mut batch) = entry.remove_entry();
            let count = batch.partition_point(|change| due(change.at));
            if count == batch.len() && released.is_empty() {
                // passed on without a copy.
                released = batch.into();
            } else {
                released.extend(batch.drain(..count));
                kept.push((number, batch));
            }
        }
        kept.into_iter().for_each(|(number, batch)| self.keep(number, batch));
        let capability = self.capability.clone().filter(|_| !released.is_empty())?;
        // merges sorted runs; a single batch is one run.
        released.sort_by_key(Change::order);
        self.downgrade();
        Some((capability, released))
    }

    /// Downgrades the capability to the first change that is still pending.
    fn downgrade(&mut self) {
        match (self.batches.keys().next(), &mut self.capability) {
            (Some((first, _)), Some(capability)) => capability.downgrade(first),
            _ => self.capability = None,
        }
    }
}
