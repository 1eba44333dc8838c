//! A sample as the dataflow sees it, and the changes that happen to it.

use serde::{Deserialize, Serialize};

use crate::{Id, Position};

/// A sample as the dataflow sees it. Its payload stays in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record {
    /// The position of the sample in the total order.
    pub position: Position,
    /// Stable hash of the message key; 0 in topics that are not keyed.
    pub key: u128,
    /// The sample's own event time, in milliseconds since 1970; earlier than its position if late.
    pub time: i64,
    /// The class, if it is known.
    pub label: Option<u32>,
}

impl Record {
    /// Creates a sample at `position` from the hash of its key (0 in topics that are not keyed), its own
    /// event time in milliseconds since 1970, and its label, if known.
    pub fn new(position: Position, key: u128, time: i64, label: Option<u32>) -> Self {
        Self { position, key, time, label }
    }

    /// The sample's id.
    pub fn id(&self) -> Id {
        self.position.id()
    }
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The sample enters.
    Insert,
    /// The sample is retracted: it was replaced, deleted or removed by retention.
    Retract,
    /// The sample's label became known, was corrected, or was retracted.
    Label,
    /// The sample with this key is deleted. A source sends it for an empty message. After
    /// [`upsert`](crate::flow::Upsert::upsert) it follows the retraction of that sample, at the same
    /// position, and names it.
    Delete,
}

/// One step of the ordered stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Change {
    /// The kind of the change.
    pub kind: Kind,
    /// The position of the change: for an insert, that of the record, or that of its label if the
    /// record waited for it.
    pub at: Position,
    /// The record, with its label after the change; for a retraction, with its label before it.
    pub record: Record,
    /// For a label, the label before it.
    pub before: Option<u32>,
}

impl Change {
    /// Creates a change at the record's own position.
    pub fn new(kind: Kind, record: Record) -> Self {
        Self { kind, at: record.position, record, before: None }
    }

    /// Creates the change by which the record enters at its own position.
    pub fn insert(record: Record) -> Self {
        Self::new(Kind::Insert, record)
    }

    /// The sort key of the change. If a sample replaces another at the same position, the retraction
    /// comes first.
    pub fn order(&self) -> (Position, bool) {
        (self.at, self.kind != Kind::Retract)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small() {
        assert_eq!((size_of::<Record>(), size_of::<Change>()), (48, 80));
    }
}
