//! A sample as the dataflow knows it, and the changes that happen to it.

use serde::{Deserialize, Serialize};

use crate::{Id, Position};

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
    /// A sample at `position`, with the hash of its key (0 in topics that are not keyed), its own event
    /// time in milliseconds since 1970, and its label, if known.
    pub fn new(position: Position, key: u128, time: i64, label: Option<u32>) -> Self {
        Self { position, key, time, label }
    }

    /// The sample's id.
    pub fn id(&self) -> Id {
        self.position.id()
    }
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The sample enters.
    Insert,
    /// The sample is retracted: it was replaced, deleted or removed by retention.
    Retract,
    /// The sample's label became known, was corrected, or was retracted.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small() {
        assert_eq!((size_of::<Record>(), size_of::<Change>()), (48, 80));
    }
}
