use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::ipc::writer::StreamEncoder;

use super::batch::arrow_schema;
use super::index::IndexEntry;
use super::log::BatchAt;
use super::segment::Segment;
use super::{Log, LogBatch, StoreError};

/// Room of a segment, unless a single batch needs more.
const CAPACITY: u64 = 256 << 20;

/// Appends to the log for one worker.
pub struct LogWriter {
    log: Log,
    folder: PathBuf,
    worker: usize,
    segments: usize,
    open: Option<Open>,
}

/// The segment that grows.
struct Open {
    segment: Arc<Segment>,
    index: File,
    index_path: PathBuf,
    encoder: StreamEncoder,
    len: u64,
}

impl LogWriter {
    pub(super) fn new(log: Log, folder: PathBuf, worker: usize) -> Self {
        Self { log, folder, worker, segments: 0, open: None }
    }

    /// Appends rows of one partition; they can be read when this returns.
    ///
    /// # Errors
    /// When the file system refuses; nothing of the batch is then visible.
    pub fn append(&mut self, batch: LogBatch) -> Result<(), StoreError> {
        let Some((first, last)) = batch.ends() else { return Ok(()) };
        let rows = batch.len() as u32;
        let batch = batch.into_arrow(self.log.schema())?;
        let room = batch.get_array_memory_size() as u64 * 2 + (64 << 10);
        if self.open.as_ref().is_none_or(|open| open.len + room > open.segment.capacity()) {
            self.seal()?;
            self.open = Some(self.create(CAPACITY.max(room * 2))?);
        }
        let open = self.open.as_mut().expect("opened above");
        let parts = open.encoder.encode(&batch)?;
        let len = parts.iter().map(|part| part.len() as u64).sum();
        let checksum = open.segment.write(open.len, &parts)?;
        let entry = IndexEntry { at: open.len, len, first, last, rows, checksum };
        open.index
            .write_all(&entry.bytes())
            .map_err(StoreError::io("writing", &open.index_path))?;
        let columns = open.segment.columns(open.len)?;
        open.len += len;
        let segment = Arc::clone(&open.segment);
        self.log.publish(BatchAt { segment, columns, first, last, rows });
        Ok(())
    }

    /// Completes the segment that grows, so that any Arrow reader reads it to its end.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn seal(&mut self) -> Result<(), StoreError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let parts = open.encoder.finish()?;
        open.segment.write(open.len, &parts)?;
        open.segment.seal(open.len + parts.iter().map(|part| part.len() as u64).sum::<u64>())
    }

    fn create(&mut self, capacity: u64) -> Result<Open, StoreError> {
        let name = format!("{:03}-{:06}", self.worker, self.segments);
        self.segments += 1;
        let index_path = self.folder.join(format!("{name}.index"));
        let index =
            File::create_new(&index_path).map_err(StoreError::io("creating", &index_path))?;
        let path = self.folder.join(format!("{name}.arrows"));
        Ok(Open {
            segment: Arc::new(Segment::create(&path, capacity)?),
            index,
            index_path,
            encoder: StreamEncoder::try_new(&arrow_schema(self.log.schema()))?,
            len: 0,
        })
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        // a segment that is not sealed is still valid up to its indexed length.
        if let Err(error) = self.seal() {
            tracing::warn!(%error, "leaving a segment of the log unsealed");
        }
    }
}
