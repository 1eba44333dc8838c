//! Positions as timestamps of timely and differential dataflow.

use differential_dataflow::lattice::{Lattice, Maximum};
use timely::order::{PartialOrder, TotalOrder};
use timely::progress::Timestamp;
use timely::progress::timestamp::{PathSummary, Refines};

use crate::Position;

impl Timestamp for Position {
    /// The number of positions by which a path advances.
    type Summary = u64;

    fn minimum() -> Self {
        Self::MIN
    }
}

impl PathSummary<Position> for u64 {
    fn results_in(&self, position: &Position) -> Option<Position> {
        position.checked_add(*self)
    }

    fn followed_by(&self, other: &Self) -> Option<Self> {
        self.checked_add(*other)
    }
}

impl Refines<()> for Position {
    fn to_inner(_outer: ()) -> Self {
        Self::MIN
    }

    fn to_outer(self) {}

    fn summarize(_steps: u64) {}
}

impl PartialOrder for Position {
    fn less_equal(&self, other: &Self) -> bool {
        self <= other
    }

    fn less_than(&self, other: &Self) -> bool {
        self < other
    }
}

impl TotalOrder for Position {}

impl Lattice for Position {
    fn join(&self, other: &Self) -> Self {
        *self.max(other)
    }

    fn meet(&self, other: &Self) -> Self {
        *self.min(other)
    }
}

impl Maximum for Position {
    fn maximum() -> Self {
        Self::MAX
    }
}
