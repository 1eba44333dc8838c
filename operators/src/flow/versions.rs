//! The versions that trainings produced.

use crate::Position;
use crate::trigger::Outcome;

/// The positions at which versions took effect, oldest first.
#[derive(Default)]
pub(super) struct Versions(Vec<(Position, u64)>);

impl From<Vec<(Position, u64)>> for Versions {
    fn from(versions: Vec<(Position, u64)>) -> Self {
        Self(versions)
    }
}

impl Versions {
    pub(super) fn trained(&mut self, outcome: &Outcome) {
        if let Some(version) = outcome.version {
            self.0.push((outcome.effective, version));
        }
    }

    /// The version that was active at a position, and the position at which the next one took effect.
    pub(super) fn active(&self, position: Position) -> (Option<u64>, Option<Position>) {
        let count = self.0.partition_point(|(effective, _)| *effective <= position);
        let version = count.checked_sub(1).map(|last| self.0[last].1);
        (version, self.0.get(count).map(|(effective, _)| *effective))
    }
}
