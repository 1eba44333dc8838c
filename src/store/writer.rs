use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::ipc::writer::StreamEncoder;
use driftmill_operators::Span;

use super::batch::arrow_schema;
use super::growing::SegmentFiles;
use super::index::IndexEntry;
use super::place::BatchAt;
use super::segment::Segment;
use super::{Log, LogBatch, RowKind, StoreError};
use crate::fail;

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
    name: String,
    segment: Arc<Segment>,
    files: Arc<SegmentFiles>,
    encoder: StreamEncoder,
    len: u64,
    /// Highest event time of its first batch, in milliseconds since 1970.
    from: i64,
}

impl LogWriter {
    pub(super) fn new(log: Log, folder: &Path, worker: usize) -> Result<Self, StoreError> {
        // an earlier process may have written for a worker of the same number.
        let segments = next_number(folder, worker)?;
        Ok(Self { log, folder: folder.to_owned(), worker, segments, open: None })
    }

    /// Appends rows of one partition; they can be read when this returns.
    ///
    /// # Errors
    /// When the file system refuses; nothing of the batch is then visible.
    pub fn append(&mut self, batch: LogBatch) -> Result<(), StoreError> {
        let Some((first, last)) = batch.ends() else { return Ok(()) };
        let mut entry = IndexEntry {
            at: 0,
            len: 0,
            first,
            last,
            highest: batch.highest,
            rows: batch.len() as u32,
            samples: batch.count(RowKind::Put),
            bad: batch.count(RowKind::Bad),
            late: batch.late,
            checksum: 0,
        };
        let batch = batch.into_arrow(self.log.schema())?;
        let room = batch.get_array_memory_size() as u64 * 2 + (64 << 10);
        let is_full = |open: &Open| {
            let old = |age: Span| entry.highest.saturating_sub(open.from) >= age.millis();
            open.len + room > open.segment.capacity() || self.log.rolling.age.is_some_and(old)
        };
        if self.open.as_ref().is_none_or(is_full) {
            self.seal()?;
            // a single batch may need more.
            let capacity = self.log.rolling.size.0.max(room * 2);
            self.open = Some(self.create(capacity, entry.highest)?);
        }
        let open = self.open.as_mut().expect("opened above");
        let parts = open.encoder.encode(&batch)?;
        entry.at = open.len;
        entry.len = parts.iter().map(|part| part.len() as u64).sum();
        entry.checksum = checksum(&parts);
        open.files.write(open.len, &parts)?;
        fail::point("log.written");
        open.files.add(&entry)?;
        fail::point("log.indexed");
        open.len += entry.len;
        let batch = BatchAt::written(Arc::clone(&open.segment), entry)?;
        self.log.publish(batch, (&open.name, &open.files));
        Ok(())
    }

    /// Completes the segment that grows, so that any Arrow reader reads it to its end.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn seal(&mut self) -> Result<(), StoreError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let parts = open.encoder.finish()?;
        open.files.write(open.len, &parts)?;
        open.files.seal(open.len + parts.iter().map(|part| part.len() as u64).sum::<u64>())?;
        self.log.sealed(&open.name);
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
            encoder: StreamEncoder::try_new(&arrow_schema(self.log.schema()))?,
            len: 0,
            from,
        })
    }
}

/// The name of the files of a worker's segment.
pub(super) fn segment_name(worker: usize, number: usize) -> String {
    format!("{worker:03}-{number:06}")
}

/// A number behind those of all segments of a worker.
pub(super) fn next_number(folder: &Path, worker: usize) -> Result<usize, StoreError> {
    let entries = std::fs::read_dir(folder).map_err(StoreError::io("reading", folder))?;
    let number = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let (owner, number) = name.split_once('.')?.0.split_once('-')?;
        (owner.parse() == Ok(worker)).then(|| number.parse::<usize>().ok())?
    };
    Ok(entries.filter_map(number).max().map_or(0, |last| last + 1))
}

fn checksum(parts: &[Buffer]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    checksum.finalize()
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        // a segment that is not sealed is still valid up to its indexed length.
        if let Err(error) = self.seal() {
            tracing::warn!(%error, "leaving a segment of the log unsealed");
        }
    }
}
