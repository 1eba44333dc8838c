//! Repairs damaged batches: their index still describes what they held.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use arrow::ipc::writer::StreamEncoder;
use driftmill_operators::Id;

use crate::store::segment::batch::arrow_schema;
use crate::store::segment::location::BatchAt;
use crate::store::{Log, LogBatch, StoreError};

/// A damaged batch, as its index describes it.
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
    /// The description of the batch at byte `at` of segment `path`; none if none begins there.
    pub fn lost(&self, path: &Path, at: u64) -> Option<Lost> {
        self.with_batch(path, at, |before, batch| Lost {
            first: batch.entry.first,
            last: batch.entry.last,
            rows: batch.entry.rows as usize,
            highest_before: before.map_or(i64::MIN, |before| before.entry.highest),
        })
    }

    /// Writes the batch at byte `at` of segment `path` again, if `rows` are what was written; else
    /// returns false.
    ///
    /// # Errors
    /// When the file system refuses.
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
        let file =
            File::options().write(true).open(path).map_err(StoreError::io("opening", path))?;
        let mut end = at;
        for part in &parts {
            file.write_all_at(part, end).map_err(StoreError::io("writing", path))?;
            end += part.len() as u64;
        }
        file.sync_data().map_err(StoreError::io("syncing", path))?;
        Ok(true)
    }

    /// Looks at the batch at byte `at` of segment `path`, and at the one before it in its partition.
    fn with_batch<T>(
        &self,
        path: &Path,
        at: u64,
        look: impl Fn(Option<&BatchAt>, &BatchAt) -> T,
    ) -> Option<T> {
        let shared = self.read();
        shared.batches.values().find_map(|batches| {
            let number = batches.iter().position(|batch| batch.is_at(path, at))?;
            Some(look(number.checked_sub(1).map(|before| &batches[before]), &batches[number]))
        })
    }
}
