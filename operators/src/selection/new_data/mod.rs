//! Selection of new samples together with earlier ones.

mod config;
mod held;
mod reservoirs;

pub use config::{Keep, NewData};

use serde::{Deserialize, Serialize};

use self::held::Held;
use self::reservoirs::Reservoirs;
use super::draw::{choose, in_order, rank, seed_of};
use super::partition::Partition;
use super::{Candidate, Choice, Proposal, Selection, SelectionConfig, Tail};
use crate::{Change, Id, Kind, Position};

pub(super) const EXAMPLE: &str = "limit = 10000";

impl SelectionConfig for NewData {
    fn init(&self) -> Box<dyn Selection> {
        match self.keep {
            Keep::Last | Keep::Uniform => Box::new(Partition::<_, State>::new(self)),
            Keep::Reservoir => Box::new(Partition::<_, Reservoirs>::new(self)),
        }
    }

    fn combine(&self, mut proposal: Proposal) -> Choice {
        let limit = self.most();
        match self.keep {
            Keep::Last => {
                newest(limit, &mut proposal.candidates);
                in_order(proposal.candidates)
            }
            Keep::Uniform | Keep::Reservoir => choose(&proposal, limit),
        }
    }
}

/// Reduces `candidates` to the newest.
fn newest(limit: usize, candidates: &mut Vec<Candidate>) {
    if limit < candidates.len() {
        candidates.select_nth_unstable_by(limit - 1, |a, b| b.position.cmp(&a.position));
        candidates.truncate(limit);
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    held: Held,
    /// Whether samples may be retracted. Older samples then replace them under a limit.
    keyed: bool,
}

impl Selection for Partition<NewData, State> {
    fn observe(&mut self, change: &Change) {
        let State { held, keyed } = &mut self.state;
        let record = &change.record;
        *keyed |= record.key != 0;
        match (change.kind, record.label) {
            (Kind::Insert, Some(label)) if change.at == record.position => {
                held.enter(record.position, label);
            }
            (Kind::Insert | Kind::Label, Some(label)) => held.enter_late(record.position, label),
            (Kind::Retract, _) | (Kind::Label, None) => held.leave(record.position),
            (Kind::Insert, None) | (Kind::Delete, _) => {}
        }
        // the newest `limit` of this partition are enough for the newest `limit` of all.
        if let (Some(limit), Keep::Last, false) = (self.config.limit, self.config.keep, *keyed) {
            held.trim(limit.get());
        }
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let seed = seed_of(self.config.seed, trigger);
        let candidate = |(position, label): (Position, u32)| Candidate {
            position,
            label,
            weight: 1.0,
            rank: rank(seed, position),
        };
        let held = &mut self.state.held;
        let limit = self.config.most();
        let most = if self.config.keep == Keep::Last { limit } else { usize::MAX };
        let mut candidates: Vec<Candidate> = held.newest(most).map(candidate).collect();
        match self.config.keep {
            Keep::Last => newest(limit, &mut candidates),
            // these include everything that the global limit keeps.
            Keep::Uniform | Keep::Reservoir if limit < candidates.len() => {
                candidates.select_nth_unstable_by_key(limit - 1, |c| (c.rank, c.position));
                candidates.truncate(limit);
            }
            Keep::Uniform | Keep::Reservoir => {}
        }
        let available = held.available();
        if let Tail::Triggers(tail) = self.config.tail {
            held.pass_trigger(tail as usize);
        }
        Proposal { trigger, available, candidates, ..Proposal::default() }
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        let held = self.state.held.newest(usize::MAX);
        held.for_each(|(position, _)| visit(position.id()));
    }
}
