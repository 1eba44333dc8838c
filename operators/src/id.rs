//! The identity of a sample.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bits of the offset inside an [`Id`].
const OFFSET_BITS: u32 = 40;
/// Bits of the partition inside an [`Id`].
const PARTITION_BITS: u32 = 16;

/// The identity of a sample: topic (8 bits), partition (16), offset (40).
///
/// The id is a function of the pipeline file and the topic's content: nothing allocates ids.
///
/// ```
/// use driftmill_operators::Id;
/// let id = Id::new(1, 2, 3);
/// assert_eq!((id.topic(), id.partition(), id.offset()), (1, 2, 3));
/// assert!(Id::new(0, 9, 9) < Id::new(1, 0, 0));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Id(pub u64);

impl Id {
    /// The largest offset an id can hold: 2⁴⁰ − 1, a trillion messages in one partition.
    pub const MAX_OFFSET: u64 = (1 << OFFSET_BITS) - 1;

    /// The id of the message at `offset` of a topic's partition.
    ///
    /// # Panics
    /// When `offset` exceeds [`Id::MAX_OFFSET`].
    pub fn new(topic: u8, partition: u16, offset: u64) -> Self {
        assert!(offset <= Self::MAX_OFFSET, "offset {offset} does not fit 40 bits");
        Self(
            u64::from(topic) << (OFFSET_BITS + PARTITION_BITS)
                | u64::from(partition) << OFFSET_BITS
                | offset,
        )
    }

    /// The topic's index in the pipeline file.
    pub fn topic(self) -> u8 {
        (self.0 >> (OFFSET_BITS + PARTITION_BITS)) as u8
    }

    /// The partition inside the topic.
    pub fn partition(self) -> u16 {
        (self.0 >> OFFSET_BITS) as u16
    }

    /// The offset inside the partition.
    pub fn offset(self) -> u64 {
        self.0 & Self::MAX_OFFSET
    }

    /// Topic and partition in one number. Each stream has one reader.
    pub fn stream(self) -> u32 {
        (self.0 >> OFFSET_BITS) as u32
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic(), self.partition(), self.offset())
    }
}
