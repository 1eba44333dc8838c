//! Repair of damaged batches, whose contents the index still describes.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use arrow::ipc::writer::StreamEncoder;
use driftmill_operators::Id;

use crate::atomic_write::StagedFile;
use crate::store::segment::batch::arrow_schema;
use crate::store::segment::location::BatchAt;
use crate::store::{Log, LogBatch, StoreError};

/// The description of a damaged batch in its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its first row.
    pub first: Id,
    /// Its last row.
    pub last: Id,
    /// Number of its rows.
    pub rows: usize,
    /// Highest event time of the partition before its first row, in milliseconds since 1970.
    pub highest_before: i64,
}

impl Log {
    /// The description of the batch at byte `at` of segment `path`; none if no batch begins there.
    pub fn lost(&self, path: &Path, at: u64) -> Option<Lost> {
        self.with_batch(path, at, |before, batch| Lost {
            first: batch.entry.first,
            last: batch.entry.last,
            rows: batch.entry.rows as usize,
            highest_before: before.map_or(i64::MIN, |before| before.entry.highest),
        })
    }

    /// Replaces segment `path` by a copy in which the batch at byte `at` is written again. Returns false if
    /// `rows` differ from the rows that were written. This log still reads the old file and must be opened
    /// again.
    ///
    /// # Errors
    /// When the file system returns an error.
    pub fn repair(&self, path: &Path, at: u64, rows: LogBatch) -> Result<bool, StoreError> {
        let Some(entry) = self.with_batch(path, at, |_, batch| batch.entry) else {
            return Ok(false);
        };
        let schema = arrow_schema(self.schema());
        let mut encoder = StreamEncoder::try_new(&schema)?;
        if at > 0 {
            // only the first batch of a segment has the schema before it.
            encoder.encode(&arrow::array::RecordBatch::new_empty(schema))?;
        }
        let parts = encoder.encode(&rows.into_arrow(self.schema())?)?;
        if !entry.is_of(&parts) {
            return Ok(false);
        }
        // the file is mapped, and its published bytes must never change.
        let mut staged = StagedFile::begin(path).map_err(StoreError::io("creating", path))?;
        let rewritten = fs::copy(path, staged.path()).and_then(|_| {
            let mut end = at;
            for part in &parts {
                staged.file().write_all_at(part, end)?;
                end += part.len() as u64;
            }
            staged.complete()
        });
        rewritten.map_err(StoreError::io("rewriting", path))?;
        Ok(true)
    }

    /// Visits the batch at byte `at` of segment `path`, and the batch before it in its partition.
    fn with_batch<T>(
        &self,
        path: &Path,
        at: u64,
        read: impl Fn(Option<&BatchAt>, &BatchAt) -> T,
    ) -> Option<T> {
        let shared = self.read();
        shared.batches.values().find_map(|batches| {
            let number = batches.iter().position(|batch| batch.is_at(path, at))?;
            let before = number.checked_sub(1).map(|before| &*batches[before]);
            Some(read(before, &batches[number]))
        })
    }
}
