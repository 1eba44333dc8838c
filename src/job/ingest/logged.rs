//! The rows that an earlier process logged, read ahead on a thread: a segment may be only on an object store
//! that cannot be reached, and a worker must not wait for it.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::job::services::reads::Reads;
use crate::store::{LogBatch, Replay, StoreError};

/// Number of batches that are read at once.
const AHEAD: usize = 4;

/// The logged rows of one partition.
pub(in crate::job) struct LoggedRows {
    reads: Reads,
    /// None while it is read from.
    replay: Option<Replay>,
    reading: Option<Receiver<ReadAhead>>,
    batches: VecDeque<Result<LogBatch, StoreError>>,
}

/// Batches, and the rest after them.
struct ReadAhead {
    batches: Vec<Result<LogBatch, StoreError>>,
    rest: Replay,
}

/// The next part of the logged rows.
pub(in crate::job) enum Logged {
    Batch(LogBatch),
    /// It has not been read yet.
    Waiting,
    End,
}

impl LoggedRows {
    pub(in crate::job) fn new(replay: Replay, reads: &Reads) -> Self {
        Self { reads: reads.clone(), replay: Some(replay), reading: None, batches: VecDeque::new() }
    }

    /// The next batch. Never waits for it.
    ///
    /// # Errors
    /// When a batch is damaged.
    pub(in crate::job) fn next(&mut self) -> Result<Logged, StoreError> {
        if let Some(reading) = &self.reading {
            match reading.try_recv() {
                Ok(ReadAhead { batches, rest }) => {
                    let end = batches.len() < AHEAD;
                    self.batches.extend(batches);
                    (self.reading, self.replay) = (None, (!end).then_some(rest));
                }
                // the thread has ended with the job.
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
        }
        if self.batches.len() < AHEAD
            && let Some(mut replay) = self.replay.take()
        {
            let (send, reading) = bounded(1);
            self.reading = Some(reading);
            self.reads.run(move || {
                let batches = replay.by_ref().take(AHEAD).collect();
                // nobody receives it after the end of the job.
                drop(send.send(ReadAhead { batches, rest: replay }));
            });
        }
        match self.batches.pop_front() {
            Some(batch) => batch.map(Logged::Batch),
            None if self.reading.is_some() => Ok(Logged::Waiting),
            None => Ok(Logged::End),
        }
    }
}
