//! The total order of changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Id;

/// The place of a change in the total order, and the timestamp of the dataflow.
///
/// Positions are ordered by time, then by [`Id`], so two samples never have the same position. In
/// serialized form a position is one 128-bit number: the time in the high 64 bits, the id in the low
/// ones.
///
/// ```
/// use driftmill_operators::{Id, Position};
/// let position = Position::new(-5, Id(7));
/// assert_eq!((position.time(), position.id()), (-5, Id(7)));
/// assert!(position < Position::new(-4, Id(0)));
/// assert_eq!(position.next(), Position::new(-5, Id(8)));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(i128);

impl Position {
    /// Before every change.
    pub const MIN: Self = Self(i128::MIN);
    /// After every change.
    pub const MAX: Self = Self(i128::MAX);

    /// The position of `id` at `time`, in milliseconds since 1970.
    pub const fn new(time: i64, id: Id) -> Self {
        Self((time as i128) << 64 | id.0 as i128)
    }

    /// Its time, in milliseconds since 1970.
    pub const fn time(self) -> i64 {
        (self.0 >> 64) as i64
    }

    /// The id of its sample.
    pub const fn id(self) -> Id {
        Id(self.0 as u64)
    }

    /// The position right after this one; `MAX` after `MAX`.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The bytes of its number, in little-endian order.
    #[cfg(feature = "flow")]
    pub(crate) const fn to_le_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The position with these bytes.
    #[cfg(feature = "flow")]
    pub(crate) const fn from_le_bytes(bytes: [u8; 16]) -> Self {
        Self(i128::from_le_bytes(bytes))
    }

    /// The position `steps` after this one; none beyond the last.
    pub const fn checked_add(self, steps: u64) -> Option<Self> {
        match self.0.checked_add(steps as i128) {
            Some(position) => Some(Self(position)),
            None => None,
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:?}", self.time(), self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_order_by_time_then_id() {
        let early = Position::new(-5, Id::new(255, 65535, Id::MAX_OFFSET));
        let late = Position::new(-4, Id::new(0, 0, 0));
        assert!(early < late);
        assert_eq!((early.time(), late.time()), (-5, -4));
        assert_eq!(early.id().partition(), 65535);
    }

    #[test]
    fn a_position_is_serialized_as_its_number() {
        let position = Position::new(3, Id(5));
        let number: i128 = 3 << 64 | 5;
        assert_eq!(postcard::to_allocvec(&position), postcard::to_allocvec(&number));
    }
}
