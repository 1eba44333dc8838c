//! Merges the partitions of the log in the order of positions.

use driftmill_operators::{Id, Position};

use crate::source::Partition;
use crate::store::{Log, LogBatch, Replay, RowKind, StoreError};

/// A sample's message in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) id: Id,
    pub(super) position_time: i64,
    pub(super) time: i64,
    pub(super) key: u128,
    pub(super) label: Option<u32>,
}

/// The samples of all partitions, merged by positions. Those of each partition are in the order of offsets.
pub(super) struct Merged {
    parts: Vec<Part>,
}

struct Part {
    batches: Replay,
    batch: Option<LogBatch>,
    row: usize,
}

impl Merged {
    pub(super) fn new(log: &Log, partitions: &[Partition]) -> Self {
        let batches = |part: &Partition| Replay::of(log, part.id(0).stream(), i64::MIN);
        let part = |part| Part { batches: batches(part), batch: None, row: 0 };
        Self { parts: partitions.iter().map(part).collect() }
    }

    fn step(&mut self) -> Result<Option<Message>, StoreError> {
        let mut first: Option<(usize, Message)> = None;
        for number in 0..self.parts.len() {
            let Some(message) = self.parts[number].peek()? else { continue };
            let at = |message: &Message| Position::new(message.position_time, message.id);
            if first.as_ref().is_none_or(|(_, first)| at(&message) < at(first)) {
                first = Some((number, message));
            }
        }
        Ok(first.map(|(number, message)| {
            self.parts[number].row += 1;
            message
        }))
    }
}

impl Iterator for Merged {
    type Item = Result<Message, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

impl Part {
    /// The next sample, if there is one.
    fn peek(&mut self) -> Result<Option<Message>, StoreError> {
        loop {
            let Some(rows) = self.batch.as_ref().filter(|rows| self.row < rows.len()) else {
                let Some(next) = self.batches.next() else { return Ok(None) };
                (self.batch, self.row) = (Some(next?), 0);
                continue;
            };
            let row = self.row;
            if rows.kinds[row] == RowKind::Put as u8 {
                return Ok(Some(Message {
                    id: Id(rows.ids[row]),
                    position_time: rows.position_times[row],
                    time: rows.times[row],
                    key: rows.keys[row],
                    label: rows.labels[row],
                }));
            }
            self.row += 1;
        }
    }
}
