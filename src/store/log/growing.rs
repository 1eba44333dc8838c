//! The files of a segment that is being written.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::buffer::Buffer;

use crate::store::segment::index::IndexEntry;
use crate::store::{SegmentLength, StoreError};

/// Maximum number of bytes of a batch that are copied into one write.
const COPIED: usize = 64 << 10;

/// The open files of a segment.
pub(in crate::store) struct SegmentFiles {
    path: PathBuf,
    batches: File,
    index: File,
}

impl SegmentFiles {
    /// Creates files for at most `capacity` bytes of batches, and an index next to them.
    pub(in crate::store) fn create(path: &Path, capacity: u64) -> Result<Self, StoreError> {
        let index_path = path.with_extension("index");
        let index =
            File::create_new(&index_path).map_err(StoreError::io("creating", &index_path))?;
        let batches = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(StoreError::io("creating", path))?;
        batches.set_len(capacity).map_err(StoreError::io("reserving room for", path))?;
        Ok(Self { path: path.to_owned(), batches, index })
    }

    /// Writes `parts` one after another from byte `at` on.
    pub(in crate::store) fn write(&self, mut at: u64, parts: &[Buffer]) -> Result<(), StoreError> {
        let mut write = |bytes: &[u8]| {
            let written = self.batches.write_all_at(bytes, at);
            at += bytes.len() as u64;
            written.map_err(StoreError::io("writing", &self.path))
        };
        // a batch has thirty parts: for a small batch, a copy is cheaper than that many calls.
        if parts.iter().map(Buffer::len).sum::<usize>() <= COPIED {
            return write(&parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<u8>>());
        }
        parts.iter().try_for_each(|part| write(part))
    }

    /// Writes entry number `number` of the index.
    pub(in crate::store) fn add(&self, number: u64, entry: &IndexEntry) -> Result<(), StoreError> {
        let bytes = entry.bytes();
        let written = self.index.write_all_at(&bytes, number * bytes.len() as u64);
        written.map_err(|error| StoreError::io("writing", self.index_path())(error))
    }

    /// Releases the space beyond `len` bytes, because nothing more will be appended.
    pub(in crate::store) fn seal(&self, len: u64) -> Result<(), StoreError> {
        self.batches.set_len(len).map_err(StoreError::io("sealing", &self.path))
    }

    /// Waits until everything written is on disk.
    pub(in crate::store) fn sync(&self) -> Result<(), StoreError> {
        self.batches.sync_data().map_err(StoreError::io("syncing", &self.path))?;
        let synced = self.index.sync_data();
        synced.map_err(|error| StoreError::io("syncing", self.index_path())(error))
    }

    fn index_path(&self) -> PathBuf {
        self.path.with_extension("index")
    }
}

/// A segment that may not be durable up to its end.
#[derive(Clone)]
pub(in crate::store) struct Growing {
    name: String,
    pub(in crate::store) files: Arc<SegmentFiles>,
    bytes: u64,
    batches: u64,
    /// Number of bytes that are durable and recorded as such.
    pub(in crate::store) recorded: u64,
    /// Whether nothing more will be appended.
    pub(in crate::store) sealed: bool,
}

impl Growing {
    pub(in crate::store) fn new(name: &str, files: &Arc<SegmentFiles>) -> Self {
        let files = Arc::clone(files);
        Self { name: name.to_owned(), files, bytes: 0, batches: 0, recorded: 0, sealed: false }
    }

    /// Adds a batch that ends at byte `end`.
    pub(in crate::store) fn to(&mut self, end: u64) {
        self.bytes = end;
        self.batches += 1;
    }

    pub(in crate::store) fn has_grown(&self) -> bool {
        self.bytes > self.recorded
    }

    pub(in crate::store) fn length(&self) -> SegmentLength {
        SegmentLength {
            name: self.name.clone(),
            bytes: self.bytes,
            batches: self.batches,
            remote: None,
        }
    }
}
