//! Segments that another process writes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::segment::file::Segment;
use crate::store::segment::index::IndexEntry;
use crate::store::segment::location::BatchAt;
use crate::store::{SegmentLength, StoreError};

/// A segment that another process writes, up to the reported durable length.
#[derive(Clone)]
pub(in crate::store) struct Attached {
    index: PathBuf,
    segment: Arc<Segment>,
    pub(in crate::store) length: SegmentLength,
    /// Number of bytes that are recorded as durable.
    pub(in crate::store) recorded: u64,
}

impl Attached {
    /// Opens a segment whose length is not known yet.
    pub(in crate::store) fn open(folder: &Path, name: &str) -> Result<Self, StoreError> {
        let path = folder.join(format!("{name}.arrows"));
        Ok(Self {
            index: path.with_extension("index"),
            segment: Arc::new(Segment::open(&path)?),
            length: SegmentLength { name: name.to_owned(), bytes: 0, batches: 0, remote: None },
            recorded: 0,
        })
    }

    pub(in crate::store) fn has_grown(&self) -> bool {
        self.length.bytes > self.recorded
    }

    /// The batches between the last durable length and `length`.
    pub(in crate::store) fn grow(
        &mut self,
        length: &SegmentLength,
    ) -> Result<Vec<BatchAt>, StoreError> {
        // a network file system checks its cache when a file is opened.
        let path = self.segment.path();
        drop(File::open(path).map_err(StoreError::io("opening", path))?);
        let known = self.length.batches as usize;
        let mut bytes = vec![0; (length.batches as usize).saturating_sub(known) * IndexEntry::LEN];
        File::open(&self.index)
            .and_then(|index| index.read_exact_at(&mut bytes, (known * IndexEntry::LEN) as u64))
            .map_err(StoreError::io("reading", &self.index))?;
        let damaged = |number: usize| StoreError::Damaged {
            path: self.index.clone(),
            at: ((known + number) * IndexEntry::LEN) as u64,
            detail: "an entry is damaged".to_owned(),
        };
        let mut end = self.length.bytes;
        let mut batches = Vec::new();
        for (number, entry) in bytes.as_chunks::<{ IndexEntry::LEN }>().0.iter().enumerate() {
            let entry = IndexEntry::parse(entry).filter(|entry| entry.at == end);
            let entry = entry.ok_or_else(|| damaged(number))?;
            end += entry.len;
            batches.push(BatchAt::found(Arc::clone(&self.segment), entry));
        }
        if end > self.segment.capacity() || end != length.bytes.max(self.length.bytes) {
            return Err(damaged(batches.len()));
        }
        if end > self.length.bytes {
            self.length = length.clone();
        }
        Ok(batches)
    }
}
