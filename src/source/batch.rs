use driftmill_datasets::{Columns, Schema};

use super::error::Refused;

/// Messages of one partition, decoded: samples and those that are none.
#[derive(Debug)]
pub struct Fetched {
    /// The samples.
    pub columns: Columns,
    /// For each sample its offset.
    pub offsets: Vec<u64>,
    /// For each sample its record's timestamp, in milliseconds since 1970.
    pub timestamps: Vec<Option<i64>>,
    /// For each sample the stable hash of its key; 0 without a key.
    pub keys: Vec<u128>,
    /// Messages that are no samples, in the order of offsets.
    pub bad: Vec<BadMessage>,
}

/// A message that is not a sample, with all that is needed to understand or repeat it.
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

impl Fetched {
    /// Nothing yet.
    pub fn new(schema: Schema) -> Self {
        Self {
            columns: Columns::new(schema),
            offsets: Vec::new(),
            timestamps: Vec::new(),
            keys: Vec::new(),
            bad: Vec::new(),
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

    /// Adds what belongs to the sample that was just appended to `columns`.
    pub fn push(&mut self, offset: u64, timestamp: Option<i64>, key: u128) {
        self.offsets.push(offset);
        self.timestamps.push(timestamp);
        self.keys.push(key);
    }
}
