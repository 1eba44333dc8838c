//! The appending of batches to the log. If the disk is full, the batch is kept and retried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use driftmill_operators::Change;

use crate::job::Context;
use crate::outage::is_full;
use crate::source::Progress;
use crate::store::{LogBatch, LogWriter, StoreError};

/// The pause between two attempts to write to a full disk.
const RETRY: Duration = Duration::from_millis(500);

/// The name under which the outage of the disk is shown.
const DISK: &str = "log";

/// The changes of a batch, which are sent when its rows are in the log and can be read.
pub(super) struct Appended {
    pub(super) changes: Vec<Change>,
    /// The progress of the poll that read them.
    pub(super) progress: Progress,
}

/// A batch that waits for disk space.
struct WaitingBatch {
    batch: Appended,
    attempted: Instant,
}

/// Writes one batch after another to the worker's part of the log. It never blocks: a worker that must wait
/// for disk space polls [`retry`](Self::retry).
pub(super) struct Append {
    writer: LogWriter,
    unwritten: Option<WaitingBatch>,
    context: Arc<Context>,
}

impl Append {
    pub(super) fn new(writer: LogWriter, context: &Arc<Context>) -> Self {
        Self { writer, unwritten: None, context: Arc::clone(context) }
    }

    /// Whether a batch waits for disk space. No other batch may be written before it.
    pub(super) fn is_waiting(&self) -> bool {
        self.unwritten.is_some()
    }

    /// Writes `rows` and returns `batch`, or keeps both when the disk is full.
    ///
    /// # Errors
    /// When the log cannot be written for another reason.
    pub(super) fn write(
        &mut self,
        rows: LogBatch,
        batch: Appended,
    ) -> Result<Option<Appended>, StoreError> {
        self.writer.stage(rows)?;
        self.attempt(batch)
    }

    /// Attempts to write the waiting batch, unless the last attempt was a short time ago.
    ///
    /// # Errors
    /// Like [`write`](Self::write).
    pub(super) fn retry(&mut self) -> Result<Option<Appended>, StoreError> {
        match self.unwritten.take_if(|unwritten| unwritten.attempted.elapsed() >= RETRY) {
            Some(unwritten) => self.attempt(unwritten.batch),
            None => Ok(None),
        }
    }

    fn attempt(&mut self, batch: Appended) -> Result<Option<Appended>, StoreError> {
        let outages = self.context.cancellation.outages();
        match self.writer.write() {
            Ok(()) => {
                if let Some(waited) = outages.end(DISK) {
                    tracing::warn!("there is free space again after {} s", waited.as_secs());
                }
                Ok(Some(batch))
            }
            Err(error) if is_full(&error) => {
                if outages.begin(DISK, "full") {
                    tracing::warn!("{error:#}: reading waits for free space");
                }
                self.unwritten = Some(WaitingBatch { batch, attempted: Instant::now() });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
