//! The decoded messages of one poll of a partition.

use driftmill_datasets::{Columns, Schema, Values};
use driftmill_operators::Kind;

use super::error::InvalidReason;
use super::order::{OrderRules, Placed, WatermarkTracker};

/// Decoded and positioned messages of one partition: rows, and invalid messages.
#[derive(Debug)]
pub struct Fetched<'a> {
    /// The rows: samples, and deletions and labels with features of zeros.
    pub columns: Columns,
    /// The kind of each row: `Insert`, `Delete` or `Label`.
    pub kinds: Vec<Kind>,
    /// The offset of each row.
    pub offsets: Vec<u64>,
    /// The position of each row.
    pub placed: Vec<Placed>,
    /// The stable hash of each row's key; 0 without a key.
    pub keys: Vec<u128>,
    /// Invalid messages, in the order of offsets.
    pub invalid: Vec<InvalidMessage>,
    /// The most messages that one poll appends.
    pub limit: usize,
    gate: Gate<'a>,
}

/// The rules for the samples of a partition.
#[derive(Debug)]
pub struct Gate<'a> {
    /// The rules of event time.
    pub rules: &'a OrderRules,
    /// The watermark of the partition.
    pub watermark: &'a mut WatermarkTracker,
    /// Number of classes. Labels from this number up are rejected.
    pub classes: u32,
    /// Whether a message replaces the earlier one with its key. A message without a key is then rejected.
    pub keyed: bool,
}

/// A message before decoding.
#[derive(Clone, Copy, Debug)]
pub struct RawMessage<'a> {
    /// Its offset.
    pub offset: u64,
    /// Its record's timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// An invalid message, with all data that is needed to understand or replay it.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidMessage {
    /// Its offset.
    pub offset: u64,
    /// Its record's timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// The watermark of its partition, in milliseconds since 1970.
    pub watermark: i64,
    /// The reason why it is not a sample.
    pub reason: InvalidReason,
}

/// The progress of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More messages may be available at once.
    More,
    /// No more messages are available now.
    Wait,
    /// The partition has ended: no later offset will be delivered.
    End,
}

impl<'a> Fetched<'a> {
    /// Nothing yet, with at most `limit` messages from each poll.
    pub fn new(schema: Schema, limit: usize, gate: Gate<'a>) -> Self {
        Self {
            columns: Columns::new(schema),
            kinds: Vec::new(),
            offsets: Vec::new(),
            placed: Vec::new(),
            keys: Vec::new(),
            invalid: Vec::new(),
            limit,
            gate,
        }
    }

    /// Number of messages, including invalid ones.
    pub fn len(&self) -> usize {
        self.offsets.len() + self.invalid.len()
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a message replaces the earlier one with its key.
    pub fn keyed(&self) -> bool {
        self.gate.keyed
    }

    /// The rules of event time.
    pub fn rules(&self) -> &OrderRules {
        self.gate.rules
    }

    /// Positions the sample of `message`, which was just appended to `columns`, or removes it if it is
    /// invalid.
    pub fn accept(&mut self, message: RawMessage<'_>) {
        self.accept_as(Kind::Insert, message);
    }

    /// The key of `message` is deleted, at `time` if that is known.
    pub fn delete(&mut self, message: RawMessage<'_>, time: Option<i64>) {
        self.push_zeros(time, None);
        self.accept_as(Kind::Delete, message);
    }

    /// Adds a label for the sample with the key of `message`, at `time` if the message contains one.
    pub fn label(&mut self, message: RawMessage<'_>, time: Option<i64>, label: Option<u32>) {
        self.push_zeros(time, label);
        self.accept_as(Kind::Label, message);
    }

    fn push_zeros(&mut self, time: Option<i64>, label: Option<u32>) {
        let len = (self.columns.len() + 1) * self.columns.schema().width();
        match &mut self.columns.values {
            Values::F32(values) => values.resize(len, 0.0),
            Values::U8(values) => values.resize(len, 0),
        }
        self.columns.finish_row(time, label);
    }

    fn accept_as(&mut self, kind: Kind, message: RawMessage<'_>) {
        let row = self.columns.len() - 1;
        let Gate { rules, watermark, classes, keyed } = &mut self.gate;
        let placed = match self.columns.labels[row] {
            _ if *keyed && message.key.is_none() => Err(InvalidReason::NoKey),
            Some(label) if label >= *classes => {
                Err(InvalidReason::Label { label, classes: *classes })
            }
            _ if kind == Kind::Delete => Ok(watermark.place_deletion(self.columns.times[row])),
            _ => watermark.place(rules, self.columns.times[row], message.timestamp),
        };
        match placed {
            Ok(placed) => {
                self.kinds.push(kind);
                self.offsets.push(message.offset);
                self.placed.push(placed);
                self.keys.push(message.key.map_or(0, xxhash_rust::xxh3::xxh3_128));
            }
            Err(reason) => {
                self.columns.truncate(row);
                self.reject(message, reason);
            }
        }
    }

    /// Adds `message` to the invalid messages.
    pub fn reject(&mut self, message: RawMessage<'_>, reason: impl Into<InvalidReason>) {
        self.invalid.push(InvalidMessage {
            offset: message.offset,
            timestamp: message.timestamp,
            key: message.key.map(<[u8]>::to_vec),
            payload: message.payload.to_vec(),
            watermark: self.gate.watermark.watermark(self.gate.rules),
            reason: reason.into(),
        });
    }
}
