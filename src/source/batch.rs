//! The decoded messages of one poll of a partition.

use driftmill_datasets::{Columns, Schema, Values};
use driftmill_operators::Kind;

use super::error::Refused;
use super::order::{OrderRules, Placed, WatermarkTracker};

/// Messages of one partition, decoded and put in their places: rows, and those that are none.
#[derive(Debug)]
pub struct Fetched<'a> {
    /// The rows: samples, and with features of zeros deletions and labels.
    pub columns: Columns,
    /// The kind of each row: `Insert`, `Delete` or `Label`.
    pub kinds: Vec<Kind>,
    /// For each row its offset.
    pub offsets: Vec<u64>,
    /// For each row its place in the order.
    pub placed: Vec<Placed>,
    /// For each row the stable hash of its key; 0 without a key.
    pub keys: Vec<u128>,
    /// Messages that are no rows, in the order of offsets.
    pub bad: Vec<BadMessage>,
    gate: Gate<'a>,
}

/// The rules for the samples of a partition.
#[derive(Debug)]
pub struct Gate<'a> {
    /// Which event times are taken.
    pub rules: &'a OrderRules,
    /// How far the partition is.
    pub watermark: &'a mut WatermarkTracker,
    /// Number of classes: labels from this number up are refused.
    pub classes: u32,
    /// Whether a message replaces what came before with its key: one without a key is refused.
    pub keyed: bool,
}

/// A message as it came.
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

/// An invalid message, with all that is needed to understand or repeat it.
#[derive(Clone, Debug, PartialEq)]
pub struct BadMessage {
    /// Its offset.
    pub offset: u64,
    /// Its record's timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// How far its partition was, in milliseconds since 1970.
    pub watermark: i64,
    /// Why it is not a sample.
    pub reason: Refused,
}

/// How far a poll came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be more at once.
    More,
    /// Nothing more right now.
    Wait,
    /// The partition's end is reached: the first offset beyond all that will ever be delivered.
    End,
}

impl<'a> Fetched<'a> {
    /// Nothing yet.
    pub fn new(schema: Schema, gate: Gate<'a>) -> Self {
        Self {
            columns: Columns::new(schema),
            kinds: Vec::new(),
            offsets: Vec::new(),
            placed: Vec::new(),
            keys: Vec::new(),
            bad: Vec::new(),
            gate,
        }
    }

    /// Number of messages, samples or not.
    pub fn len(&self) -> usize {
        self.offsets.len() + self.bad.len()
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a message replaces what came before with its key.
    pub fn keyed(&self) -> bool {
        self.gate.keyed
    }

    /// Puts the sample of `message`, which was just appended to `columns`, in its place; or, if it
    /// has none, takes it out again.
    pub fn accept(&mut self, message: RawMessage<'_>) {
        self.accept_as(Kind::Insert, message);
    }

    /// The key of `message` is deleted.
    pub fn delete(&mut self, message: RawMessage<'_>) {
        self.push_zeros(None, None);
        self.accept_as(Kind::Delete, message);
    }

    /// The sample with the key of `message` is labelled, at `time` if the message states one.
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
            _ if *keyed && message.key.is_none() => Err(Refused::NoKey),
            Some(label) if label >= *classes => Err(Refused::Label { label, classes: *classes }),
            _ if kind == Kind::Delete => Ok(watermark.place_timeless()),
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
                self.refuse(message, reason);
            }
        }
    }

    /// Sets `message` aside: it is not a sample.
    pub fn refuse(&mut self, message: RawMessage<'_>, reason: impl Into<Refused>) {
        self.bad.push(BadMessage {
            offset: message.offset,
            timestamp: message.timestamp,
            key: message.key.map(<[u8]>::to_vec),
            payload: message.payload.to_vec(),
            watermark: self.gate.watermark.watermark(self.gate.rules),
            reason: reason.into(),
        });
    }
}
