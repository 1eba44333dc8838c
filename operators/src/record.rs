//! What the dataflow moves for a sample, and the order in which policies see it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bits of the offset inside an [`Id`].
const OFFSET_BITS: u32 = 40;
/// Bits of the partition inside an [`Id`].
const PARTITION_BITS: u32 = 16;

/// The identity of a sample: topic (8 bits), partition (16), offset (40).
///
/// A function of the pipeline file and the topic's content: nothing allocates ids.
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

    /// Topic and partition in one number: what one reader owns.
    pub fn stream(self) -> u32 {
        (self.0 >> OFFSET_BITS) as u32
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic(), self.partition(), self.offset())
    }
}

/// A place in the total order of changes, and the timestamp of the dataflow.
///
/// The high 64 bits are the position time in signed milliseconds since 1970, the low 64 bits the
/// id, so that ties cannot exist.
pub type Position = i128;

/// The position of `id` at `time`, in milliseconds since 1970.
pub fn position(time: i64, id: Id) -> Position {
    i128::from(time) << 64 | i128::from(id.0)
}

/// The position time of `position`, in milliseconds since 1970.
pub fn position_time(position: Position) -> i64 {
    (position >> 64) as i64
}

/// The id inside `position`.
pub fn position_id(position: Position) -> Id {
    Id(position as u64)
}

/// A sample as the dataflow knows it; its payload stays in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// Where the sample stands in the total order.
    pub position: Position,
    /// Stable hash of the message key; 0 in topics that are not keyed.
    pub key: u128,
    /// The sample's own event time, in milliseconds since 1970; earlier than its position if late.
    pub time: i64,
    /// The class, when it is known.
    pub label: Option<u32>,
}

impl Record {
    /// The sample's id.
    pub fn id(&self) -> Id {
        position_id(self.position)
    }
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The sample enters.
    Insert,
    /// The sample is taken back: it was replaced or deleted, or retention forgot it.
    Retract,
    /// The sample's label became known, was corrected, or was taken back.
    Label,
    /// Whatever sample has the key is deleted: what a source says of an empty message. Behind
    /// [`upsert`](crate::flow::Upsert::upsert) the sample's retraction comes first, at the same
    /// position, and this says why: it names that sample.
    Delete,
}

/// One step of the ordered stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Change {
    /// What happens.
    pub kind: Kind,
    /// Where it happens in the order: for an insert, the record's own position, or where its label
    /// came if the record waited for it.
    pub at: Position,
    /// To which record, with its label from here on; of a retraction, with its label until here.
    pub record: Record,
    /// Of a label, the label before.
    pub before: Option<u32>,
}

impl Change {
    /// Something happens at the record's own position.
    pub fn new(kind: Kind, record: Record) -> Self {
        Self { kind, at: record.position, record, before: None }
    }

    /// The record enters at its own position.
    pub fn insert(record: Record) -> Self {
        Self::new(Kind::Insert, record)
    }

    /// Where the change stands among all: where a sample replaces another, both at one position,
    /// the old one goes first.
    pub fn order(&self) -> (Position, bool) {
        (self.at, self.kind != Kind::Retract)
    }
}

/// A length of event time.
///
/// Written `"10s"`, `"30m"`, `"12h"`, `"1d"`, `"2w"`, `"1y"` or `"250ms"`; a day has 24 hours, a
/// year 365 days, and there are no months.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Span(i64);

const UNITS: [(&str, i64); 7] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 604_800_000),
    ("y", 31_536_000_000),
];

impl Span {
    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The span in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!(
                "wanted a number and a unit of ms, s, m, h, d, w, y, as in \"30m\", not {text:?}"
            )
        };
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, unit) = text.split_at(split);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: i64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(*factor).map(Self).ok_or_else(wrong)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .rev()
            .find(|(_, factor)| self.0 % factor == 0 && self.0 != 0)
            .unwrap_or(&("s", 1_000));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_order_by_time_then_id() {
        let early = position(-5, Id::new(255, 65535, Id::MAX_OFFSET));
        let late = position(-4, Id::new(0, 0, 0));
        assert!(early < late);
        assert_eq!((position_time(early), position_time(late)), (-5, -4));
        assert_eq!(position_id(early).partition(), 65535);
    }

    #[test]
    fn a_record_is_small() {
        assert_eq!((size_of::<Record>(), size_of::<Change>()), (48, 80));
    }

    #[test]
    fn spans_round_trip() {
        for text in ["250ms", "10s", "30m", "12h", "1d", "2w", "1y"] {
            assert_eq!(Span::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for wrong in ["", "10", "d", "1 d", "-1d", "1month", "99999999999999y"] {
            assert!(Span::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
