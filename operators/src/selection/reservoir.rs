use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Candidate, Group};
use crate::{Id, Position, position_id};

/// The samples of the smallest chances of all that it has seen, as many as a policy may need of one
/// shard.
///
/// It holds up to twice as many as are wanted and forgets those of the largest chances beyond; from
/// there on a sample with such a chance does not enter. What it holds is then, whatever was taken
/// back, *every* sample of a chance below a bound.
///
/// * As long as nothing is taken back, every choice is equally likely.
/// * As long as no more than half of what it holds is taken back before others enter, the next
///   smallest take the places of those that left and the choice is as large as wanted; otherwise it is
///   smaller until others enter.
/// * Samples are not taken back for their chances, so those that are there stay equally likely, but for
///   one in as many as were seen: the bound is the chance of a sample, and that one is not held.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Reservoir {
    held: BTreeMap<(u64, Position), u32>,
    below: u64,
}

impl Default for Reservoir {
    fn default() -> Self {
        Self { held: BTreeMap::new(), below: u64::MAX }
    }
}

impl Reservoir {
    /// A sample enters; `wanted` are wanted.
    pub(super) fn enter(&mut self, chance: u64, position: Position, label: u32, wanted: usize) {
        if chance >= self.below && self.below < u64::MAX {
            return;
        }
        self.held.insert((chance, position), label);
        if self.held.len() > wanted.saturating_mul(2)
            && let Some(((chance, _), _)) = self.held.pop_last()
        {
            self.below = chance;
        }
    }

    /// A sample is taken back; whether it was held.
    pub(super) fn leave(&mut self, chance: u64, position: Position) -> bool {
        self.held.remove(&(chance, position)).is_some()
    }

    /// Whether it is as if it had never seen a sample.
    pub(super) fn is_untouched(&self) -> bool {
        self.held.is_empty() && self.below == u64::MAX
    }

    /// Adds the `wanted` smallest to `candidates`; what they are.
    pub(super) fn propose(
        &self,
        key: u64,
        wanted: usize,
        candidates: &mut Vec<Candidate>,
    ) -> Group {
        let before = candidates.len();
        candidates.extend(self.held.iter().take(wanted).map(|((chance, position), label)| {
            Candidate { position: *position, label: *label, weight: 1.0, chance: *chance }
        }));
        Group { key, candidates: candidates.len() - before, below: self.below }
    }

    pub(super) fn reach(&self, see: &mut dyn FnMut(Id)) {
        self.held.keys().for_each(|(_, position)| see(position_id(*position)));
    }
}
