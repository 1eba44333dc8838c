//! A partition of a selection policy.

use crate::{Snapshot, SnapshotError};

/// A partition of a policy: its configuration, and the state that a snapshot holds.
pub(super) struct Partition<C, S> {
    pub(super) config: C,
    pub(super) state: S,
}

impl<C: Clone, S: Default> Partition<C, S> {
    /// An empty partition.
    pub(super) fn new(config: &C) -> Self {
        Self { config: config.clone(), state: S::default() }
    }
}

impl<C, S: Snapshot> Snapshot for Partition<C, S> {
    fn save(&self) -> Vec<u8> {
        self.state.save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        self.state.load(saved)
    }
}
