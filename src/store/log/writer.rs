//! A writer that appends rows to the log for one worker.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::writer::StreamEncoder;
use driftmill_operators::Span;

use super::growing::SegmentFiles;
use crate::failpoint::Failpoint;
use crate::store::segment::batch::arrow_schema;
use crate::store::segment::file::Segment;
use crate::store::segment::index::{IndexEntry, checksum, length};
use crate::store::segment::location::BatchAt;
use crate::store::{Log, LogBatch, RowKind, StoreError};

/// Appends to the log for one worker.
pub struct LogWriter {
    log: Log,
    folder: PathBuf,
    worker: usize,
    segments: usize,
    open: Option<Open>,
    /// The batch that is written next.
    staged: Option<Staged>,
}

/// Rows that are about to be written.
struct Staged {
    entry: IndexEntry,
    batch: RecordBatch,
    /// Their bytes in the growing segment.
    parts: Vec<Buffer>,
}

/// The growing segment.
struct Open {
    name: String,
    segment: Arc<Segment>,
    files: Arc<SegmentFiles>,
    /// None after it has encoded the end of the stream.
    encoder: Option<StreamEncoder>,
    len: u64,
    batches: u64,
    /// The end of the stream after the last batch.
    end: Vec<Buffer>,
    /// Highest event time of its first batch, in milliseconds since 1970.
    from: i64,
}

impl LogWriter {
    /// Creates the writer of worker `worker`. Each worker has one writer at a time.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn open(log: &Log, worker: usize) -> Result<Self, StoreError> {
        // an earlier process may have written for a worker with the same number.
        let segments = next_number(&log.folder, worker)?;
        let folder = log.folder.clone();
        Ok(Self { log: log.clone(), folder, worker, segments, open: None, staged: None })
    }

    /// Appends rows of one partition. They can be read when this returns.
    ///
    /// # Errors
    /// When the file system returns an error. No row of the batch is then visible.
    pub fn append(&mut self, batch: LogBatch) -> Result<(), StoreError> {
        self.stage(batch)?;
        self.write()
    }

    /// Stages rows of one partition for the next write.
    ///
    /// # Errors
    /// When their columns do not match.
    pub fn stage(&mut self, batch: LogBatch) -> Result<(), StoreError> {
        debug_assert!(self.staged.is_none(), "what was staged before is written first");
        let Some((first, last)) = batch.ends() else { return Ok(()) };
        let entry = IndexEntry {
            at: 0,
            len: 0,
            first,
            last,
            highest: batch.highest,
            rows: batch.len() as u32,
            samples: batch.count(RowKind::Put),
            invalid: batch.count(RowKind::Invalid),
            late: batch.late,
            checksum: 0,
        };
        let batch = batch.into_arrow(self.log.schema())?;
        self.staged = Some(Staged { entry, batch, parts: Vec::new() });
        Ok(())
    }

    /// Writes the staged batch. It may be called again after an error.
    ///
    /// # Errors
    /// When the file system returns an error. None of the rows is then visible.
    pub fn write(&mut self) -> Result<(), StoreError> {
        let Some(Staged { entry, batch, .. }) = &self.staged else { return Ok(()) };
        let highest = entry.highest;
        let room = batch.get_array_memory_size() as u64 * 2 + (64 << 10);
        let is_full = |open: &Open| {
            let old = |age: Span| highest.saturating_sub(open.from) >= age.millis();
            open.len + room > open.segment.capacity() || self.log.rolling.age.is_some_and(old)
        };
        if self.open.as_ref().is_none_or(is_full) {
            self.seal()?;
            // a single batch may be larger.
            let capacity = self.log.rolling.size.0.max(room * 2);
            self.open = Some(self.create(capacity, highest)?);
        }
        let (Some(open), Some(staged)) = (&mut self.open, &mut self.staged) else { return Ok(()) };
        let Staged { entry, batch, parts } = staged;
        if parts.is_empty() {
            let encoder = open.encoder.as_mut().expect("a segment with room is not sealed");
            *parts = encoder.encode(batch)?;
            entry.at = open.len;
            entry.len = length(parts);
            entry.checksum = checksum(parts);
        }
        open.files.write(open.len, parts)?;
        Failpoint::LogWritten.reach();
        open.files.add(open.batches, entry)?;
        Failpoint::LogIndexed.reach();
        open.len += entry.len;
        open.batches += 1;
        let batch = BatchAt::written(Arc::clone(&open.segment), *entry)?;
        self.log.publish(batch, &open.name, &open.files);
        self.staged = None;
        Ok(())
    }

    /// Completes the growing segment, so that any Arrow reader can read it to its end.
    ///
    /// # Errors
    /// When the file system returns an error.
    pub fn seal(&mut self) -> Result<(), StoreError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(encoder) = open.encoder.take() {
            open.end = encoder.finish()?;
        }
        open.files.write(open.len, &open.end)?;
        open.files.seal(open.len + length(&open.end))?;
        self.log.sealed(&open.name);
        self.open = None;
        Ok(())
    }

    fn create(&mut self, capacity: u64, from: i64) -> Result<Open, StoreError> {
        let name = segment_name(self.worker, self.segments);
        self.segments += 1;
        let path = self.folder.join(format!("{name}.arrows"));
        let files = Arc::new(SegmentFiles::create(&path, capacity)?);
        Ok(Open {
            name,
            segment: Arc::new(Segment::open(&path)?),
            files,
            encoder: Some(StreamEncoder::try_new(&arrow_schema(self.log.schema()))?),
            len: 0,
            batches: 0,
            end: Vec::new(),
            from,
        })
    }
}

/// The name of the files of a worker's segment.
pub(in crate::store) fn segment_name(worker: usize, number: usize) -> String {
    format!("{worker:03}-{number:06}")
}

/// A number after those of all segments of a worker.
pub(in crate::store) fn next_number(folder: &Path, worker: usize) -> Result<usize, StoreError> {
    let entries = std::fs::read_dir(folder).map_err(StoreError::io("reading", folder))?;
    let number = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let (owner, number) = name.split_once('.')?.0.split_once('-')?;
        (owner.parse() == Ok(worker)).then(|| number.parse::<usize>().ok())?
    };
    Ok(entries.filter_map(number).max().map_or(0, |last| last + 1))
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        // a segment that is not sealed is still valid up to its indexed length.
        if let Err(error) = self.seal() {
            tracing::warn!(%error, "leaving a segment of the log unsealed");
        }
    }
}
