//! The positions of a batch and its columns in a segment.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use driftmill_datasets::{ValueType, Values};
use driftmill_operators::Id;

use super::file::{ColumnsAt, Segment};
use super::index::IndexEntry;
use crate::store::{LogBatch, StoreError};

/// The position of a batch.
#[derive(Clone)]
pub(in crate::store) struct BatchAt {
    segment: Arc<Segment>,
    pub(in crate::store) entry: IndexEntry,
    /// Set after the bytes have been checked.
    columns: OnceLock<Columns>,
}

/// Byte offsets of the columns that are read row by row.
#[derive(Clone, Copy, Debug)]
struct Columns {
    ids: u64,
    features: u64,
}

impl From<ColumnsAt> for Columns {
    fn from(ColumnsAt { ids, features, .. }: ColumnsAt) -> Self {
        Self { ids, features }
    }
}

impl BatchAt {
    /// A batch of an earlier process. It is compared with its checksum before its first row is read.
    pub(in crate::store) fn found(segment: Arc<Segment>, entry: IndexEntry) -> Self {
        Self { segment, entry, columns: OnceLock::new() }
    }

    /// A batch that was just written.
    pub(in crate::store) fn written(
        segment: Arc<Segment>,
        entry: IndexEntry,
    ) -> Result<Self, StoreError> {
        let columns = segment.columns(entry.at)?;
        Ok(Self { segment, entry, columns: OnceLock::from(Columns::from(columns)) })
    }

    /// The same batch in another object of the same segment.
    pub(in crate::store) fn in_segment(&self, segment: &Arc<Segment>) -> Self {
        Self::found(Arc::clone(segment), self.entry)
    }

    /// Its segment.
    pub(in crate::store) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Whether it begins at byte `at` of the segment in file `path`.
    pub(in crate::store) fn is_at(&self, path: &Path, at: u64) -> bool {
        self.entry.at == at && self.segment.path() == path
    }

    /// The name of its segment's files, without extension.
    pub(in crate::store) fn segment_name(&self) -> &str {
        self.segment.name()
    }

    /// Whether `id` is between its first and its last row.
    pub(in crate::store) fn spans(&self, id: Id) -> bool {
        self.entry.first <= id && id <= self.entry.last
    }

    /// The row of `id`, if it is in this batch.
    ///
    /// # Errors
    /// When the batch is damaged.
    pub(in crate::store) fn row(&self, id: Id) -> Result<Option<usize>, StoreError> {
        let rows = self.entry.rows as usize;
        let Some(distance) = id.0.checked_sub(self.entry.first.0) else { return Ok(None) };
        if self.entry.last.0 - self.entry.first.0 + 1 == rows as u64 {
            return Ok((distance < rows as u64).then_some(distance as usize));
        }
        // transactions and compaction leave gaps between offsets.
        let ids = self.segment.bytes(self.columns()?.ids, rows * 8);
        let (ids, _) = ids.as_chunks::<8>();
        Ok(ids.binary_search_by_key(&id.0, |at| u64::from_le_bytes(*at)).ok())
    }

    /// The features of row `row`, of `bytes` bytes.
    ///
    /// # Errors
    /// When the batch is damaged.
    pub(in crate::store) fn features(&self, row: usize, bytes: usize) -> Result<&[u8], StoreError> {
        let at = self.columns()?.features + (row * bytes) as u64;
        Ok(self.segment.bytes(at, bytes))
    }

    /// The bytes of its segment at which kinds and features begin.
    ///
    /// # Errors
    /// When the batch is damaged.
    pub(in crate::store) fn kinds_and_features(&self) -> Result<(u64, u64), StoreError> {
        let columns = self.checked()?;
        Ok((columns.kinds, columns.features))
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        if let Some(columns) = self.columns.get() {
            return Ok(*columns);
        }
        let columns = self.checked()?.into();
        Ok(*self.columns.get_or_init(|| columns))
    }

    /// Compares the batch with its checksum.
    fn checked(&self) -> Result<ColumnsAt, StoreError> {
        let damaged = |detail: String| StoreError::Damaged {
            path: self.segment.path().to_owned(),
            at: self.entry.at,
            detail,
        };
        self.segment.check_local()?;
        if let Some(detail) = self.segment.damage(&self.entry) {
            return Err(damaged(detail));
        }
        let columns = self.segment.columns(self.entry.at)?;
        if columns.rows != u64::from(self.entry.rows) {
            let text = format!("{} rows where {} were written", columns.rows, self.entry.rows);
            return Err(damaged(text));
        }
        Ok(columns)
    }

    /// Reads all columns except the features.
    ///
    /// # Errors
    /// When the batch is damaged.
    pub(in crate::store) fn read(&self, value: ValueType) -> Result<LogBatch, StoreError> {
        let columns = self.checked()?;
        let rows = self.entry.rows as usize;
        let words = |at: u64| {
            let (words, _) = self.segment.bytes(at, rows * 8).as_chunks::<8>();
            words.iter().map(|word| u64::from_le_bytes(*word))
        };
        let (keys, _) = self.segment.bytes(columns.keys, rows * 16).as_chunks::<16>();
        let (labels, _) = self.segment.bytes(columns.labels, rows * 4).as_chunks::<4>();
        let known = columns.labelled.map(|at| self.segment.bytes(at, rows.div_ceil(8)));
        let label = |row: usize| {
            let known = known.is_none_or(|bits| bits[row / 8] >> (row % 8) & 1 == 1);
            known.then(|| u32::from_le_bytes(labels[row]))
        };
        Ok(LogBatch {
            ids: words(columns.ids).collect(),
            position_times: words(columns.position_times).map(|word| word as i64).collect(),
            times: words(columns.times).map(|word| word as i64).collect(),
            kinds: self.segment.bytes(columns.kinds, rows).to_vec(),
            keys: keys.iter().map(|key| u128::from_be_bytes(*key)).collect(),
            labels: (0..rows).map(label).collect(),
            values: Values::new(value),
            highest: self.entry.highest,
            late: self.entry.late,
        })
    }
}
