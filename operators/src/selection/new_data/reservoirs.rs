//! Reservoirs of earlier samples.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::super::draw::rank;
use super::super::partition::Partition;
use super::super::pool::Effect;
use super::super::reservoir::Reservoir;
use super::super::{Proposal, Selection, Tail};
use super::config::NewData;
use crate::{Change, Id, Kind};

/// The state of a partition of `keep = "reservoir"`.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Reservoirs {
    /// A reservoir for each trigger within the tail and one for the current period, the newest last. If the
    /// tail is unlimited, there is one reservoir for everything. Each has its number of samples, without
    /// those that were retracted while it held them.
    periods: VecDeque<(Reservoir, u64)>,
}

impl Selection for Partition<NewData, Reservoirs> {
    fn observe(&mut self, change: &Change) {
        let position = change.record.position;
        let (rank, wanted) = (rank(self.config.seed, position), self.config.most());
        let periods = &mut self.state.periods;
        // a sample that enters at its own position was not there before.
        let first = change.kind == Kind::Insert && change.at == position;
        if !first && !matches!(Effect::of(change), Effect::Nothing) {
            for (reservoir, seen) in periods.iter_mut() {
                *seen -= u64::from(reservoir.leave(rank, position));
            }
        }
        if let Effect::Enters(label) = Effect::of(change) {
            if periods.is_empty() {
                periods.push_back(Default::default());
            }
            if let Some((now, seen)) = periods.back_mut() {
                now.enter(rank, position, label, wanted);
                *seen += 1;
            }
        }
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let wanted = self.config.most();
        let mut all = Proposal { trigger, ..Proposal::default() };
        for (reservoir, seen) in &self.state.periods {
            all.groups.push(reservoir.propose(0, wanted, &mut all.candidates));
            all.available += seen;
        }
        if let Tail::Triggers(tail) = self.config.tail {
            self.state.periods.push_back(Default::default());
            while self.state.periods.len() > tail as usize + 1 {
                self.state.periods.pop_front();
            }
        }
        all
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.state.periods.iter().for_each(|(reservoir, _)| reservoir.retained_samples(visit));
    }
}
