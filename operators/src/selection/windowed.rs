//! Selection of the samples of a window.

use serde::{Deserialize, Serialize};

use super::pool::{Pool, Sample};
use super::{Proposal, Selection, Tail};
use crate::{Change, Id, Snapshot, SnapshotError};

/// A policy that draws from the samples of the last triggers and remembers nothing else.
pub(super) trait Draw: Send {
    /// The number of earlier triggers whose samples are candidates.
    fn tail(&self) -> Tail;

    /// Proposes some of these samples, which are in order; the mark of each is the number of triggers
    /// before it entered.
    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal;
}

/// A partition of such a policy.
pub(super) struct Windowed<D> {
    config: D,
    state: State,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    pool: Pool,
    triggers: u32,
}

impl<D: Draw> Windowed<D> {
    pub(super) fn new(config: D) -> Self {
        Self { config, state: State::default() }
    }
}

impl<D> Snapshot for Windowed<D> {
    fn save(&self) -> Vec<u8> {
        self.state.save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        self.state.load(saved)
    }
}

impl<D: Draw> Selection for Windowed<D> {
    fn observe(&mut self, change: &Change) {
        self.state.pool.observe(change, self.state.triggers);
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let State { pool, triggers } = &mut self.state;
        let proposal = self.config.propose(trigger, pool.settle());
        *triggers += 1;
        let (tail, now) = (self.config.tail(), *triggers);
        if let Tail::Triggers(_) = tail {
            pool.retain(|sample| tail.reaches(sample.mark, now));
        }
        proposal
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.state.pool.retained_samples(visit);
    }
}
