//! Selection of the samples of a window.

use serde::{Deserialize, Serialize};

use super::partition::Partition;
use super::pool::{Pool, Sample};
use super::{Choice, Proposal, Selection, SelectionConfig, Tail};
use crate::{Change, Id};

/// A policy that draws from the samples of the last triggers and keeps no other state.
pub(super) trait Draw: Clone + Send + Sync + 'static {
    /// The number of earlier triggers whose samples are candidates.
    fn tail(&self) -> Tail;

    /// Proposes some of these samples, which are in order. The mark of each is the number of triggers
    /// before it entered.
    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal;

    /// Chooses among the proposals of all partitions.
    fn choose(&self, proposal: Proposal) -> Choice;
}

impl<D: Draw> SelectionConfig for D {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(Partition::<D, State>::new(self))
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        self.choose(proposal)
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    pool: Pool,
    triggers: u32,
}

impl<D: Draw> Selection for Partition<D, State> {
    fn observe(&mut self, change: &Change) {
        self.state.pool.observe(change, self.state.triggers);
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let State { pool, triggers } = &mut self.state;
        let proposal = self.config.propose(trigger, pool.settle());
        *triggers = u32::try_from(trigger + 1).unwrap_or(u32::MAX);
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
