use std::ops::Range;

use super::{Log, LogBatch, StoreError};

/// Batches of a partition that were written before a log was opened.
pub struct Replay {
    log: Log,
    stream: u32,
    batches: Range<usize>,
}

impl Replay {
    pub(super) fn new(log: &Log, stream: u32, batches: Range<usize>) -> Self {
        Self { log: log.clone(), stream, batches }
    }
}

impl Iterator for Replay {
    type Item = Result<LogBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next().map(|number| self.log.batch(self.stream, number))
    }
}
