//! Replays of rows that were logged before the log was opened.

use driftmill_operators::Id;

use crate::store::{Log, LogBatch, StoreError};

/// Batches of a partition that were written before a log was opened.
///
/// It continues by ids, so that older batches may be dropped meanwhile.
pub struct Replay {
    log: Log,
    /// The next row and the last one.
    ends: Option<(Id, Id)>,
}

impl Replay {
    /// The rows of partition `stream` ([`Id::stream`]) of a log, a batch at a time, in the order of offsets,
    /// without features. A batch whose event times are all before `from` may be left out together with all
    /// earlier ones.
    pub fn of(log: &Log, stream: u32, from: i64) -> Self {
        let ends = log.replays_from(stream, from).zip(log.last(stream));
        Self { log: log.clone(), ends }
    }
}

impl Iterator for Replay {
    type Item = Result<LogBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (next, last) = self.ends.take().filter(|(next, last)| next <= last)?;
        let batch = self.log.batch_from(next)?;
        let read = batch.as_ref().ok().and_then(|batch| batch.ids.last());
        self.ends = read.map(|id| (Id(id + 1), last));
        Some(batch)
    }
}
