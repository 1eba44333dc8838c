//! Reservoir sampling.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Candidate, Group};
use crate::{Id, Position};

/// The samples of the smallest ranks of all that it has seen, as many as a policy may need of one
/// partition.
///
/// It holds up to twice the wanted number of samples and drops those of the largest ranks beyond; from
/// there on a sample with such a rank does not enter. What it holds is then, whatever was taken
/// back, *every* sample of a rank below a bound.
///
/// * As long as nothing is retracted, every choice is equally likely.
/// * As long as no more than half of what it holds is retracted before others enter, the next
///   smallest take the places of those that left and the choice is as large as wanted; otherwise it is
///   smaller until others enter.
/// * Samples are not taken back for their ranks, so those that are there stay equally likely, but for
///   one in as many as were seen: the bound is the rank of a sample, and that one is not held.
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
    pub(super) fn enter(&mut self, rank: u64, position: Position, label: u32, wanted: usize) {
        if rank >= self.below && self.below < u64::MAX {
            return;
        }
        self.held.insert((rank, position), label);
        if self.held.len() > wanted.saturating_mul(2)
            && let Some(((rank, _), _)) = self.held.pop_last()
        {
            self.below = rank;
        }
    }

    /// A sample is retracted; whether it was held.
    pub(super) fn leave(&mut self, rank: u64, position: Position) -> bool {
        self.held.remove(&(rank, position)).is_some()
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
        candidates.extend(self.held.iter().take(wanted).map(|((rank, position), label)| {
            Candidate { position: *position, label: *label, weight: 1.0, rank: *rank }
        }));
        Group { key, candidates: candidates.len() - before, below: self.below }
    }

    pub(super) fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.held.keys().for_each(|(_, position)| visit(position.id()));
    }
}
