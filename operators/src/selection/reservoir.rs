//! Reservoir sampling.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Candidate, Group};
use crate::{Id, Position};

/// The samples of the smallest ranks among all observed samples, as many as a policy may need of one
/// partition.
///
/// A reservoir holds up to twice the wanted number of samples. Beyond that it drops those of the largest
/// ranks, and from then on samples of such ranks do not enter. It therefore always holds *every* sample
/// whose rank is below a bound, whatever was retracted.
///
/// * As long as nothing is retracted, every choice is equally likely.
/// * As long as no more than half of the held samples are retracted before others enter, the samples of the
///   next smallest ranks replace them, and the choice has the wanted size. Otherwise it is smaller until
///   others enter.
/// * Retractions do not depend on ranks, so that the remaining samples stay equally likely, except for one
///   in as many as were seen: the bound is the rank of a sample, and that sample is not held.
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
    /// Adds a sample, if its rank is below the bound. `wanted` is the wanted number of samples.
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

    /// Removes a sample that was retracted. Returns whether it was held.
    pub(super) fn leave(&mut self, rank: u64, position: Position) -> bool {
        self.held.remove(&(rank, position)).is_some()
    }

    /// Whether the state is that of a reservoir without observed samples.
    pub(super) fn is_untouched(&self) -> bool {
        self.held.is_empty() && self.below == u64::MAX
    }

    /// Adds the `wanted` samples of the smallest ranks to `candidates` and returns their group.
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
