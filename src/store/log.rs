use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;

use super::gather::append;
use super::segment::{ColumnsAt, Segment};
use super::{LogWriter, StoreError};

/// The log of a run: finds rows by id, whoever wrote them.
///
/// Cheap to clone; all clones see the same log, and a row from the moment it is appended.
#[derive(Clone)]
pub struct Log {
    folder: PathBuf,
    schema: Schema,
    shared: Arc<RwLock<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Per partition ([`Id::stream`]), in the order of offsets.
    batches: BTreeMap<u32, Vec<BatchAt>>,
}

/// Where a batch is.
#[derive(Clone)]
pub(super) struct BatchAt {
    pub(super) segment: Arc<Segment>,
    pub(super) columns: ColumnsAt,
    pub(super) first: Id,
    pub(super) last: Id,
    pub(super) rows: u32,
}

impl BatchAt {
    /// The row of `id`, if it is in this batch.
    fn row(&self, id: Id) -> Option<usize> {
        let rows = self.rows as usize;
        let distance = id.0.checked_sub(self.first.0)? as usize;
        if self.last.0 - self.first.0 + 1 == rows as u64 {
            return (distance < rows).then_some(distance);
        }
        // transactions and compaction leave gaps between offsets.
        let ids = self.segment.bytes(self.columns.ids, rows * 8);
        let id_at =
            |row: usize| u64::from_le_bytes(ids[row * 8..][..8].try_into().expect("eight bytes"));
        let (mut low, mut high) = (0, rows);
        while low < high {
            let middle = (low + high) / 2;
            if id_at(middle) < id.0 { low = middle + 1 } else { high = middle }
        }
        (low < rows && id_at(low) == id.0).then_some(low)
    }
}

impl Log {
    /// A new log in `folder`, for samples of `schema`.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn create(folder: &Path, schema: Schema) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(StoreError::io("creating", folder))?;
        Ok(Self { folder: folder.to_owned(), schema, shared: Arc::default() })
    }

    /// Shape and type of the samples' features.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Appends for worker `worker`; one at a time for each worker.
    pub fn writer(&self, worker: usize) -> LogWriter {
        LogWriter::new(self.clone(), self.folder.clone(), worker)
    }

    pub(super) fn publish(&self, batch: BatchAt) {
        let mut shared = self.shared.write().expect("no writer panics while it holds the log");
        shared.batches.entry(batch.first.stream()).or_default().push(batch);
    }

    fn read(&self) -> RwLockReadGuard<'_, Shared> {
        self.shared.read().expect("no writer panics while it holds the log")
    }

    /// Appends the features of `ids` to `values`, in the order asked.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when an id was never appended.
    ///
    /// # Panics
    /// When `values` is not of this log's type.
    pub fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), StoreError> {
        let shared = self.read();
        let rows = shared.rows(ids, self.schema.bytes())?;
        match self.schema.value {
            ValueType::F32 => append(&rows, values.floats()),
            ValueType::U8 => append(&rows, values.bytes()),
        }
        Ok(())
    }
}

impl Shared {
    /// The features of `ids`, of `bytes` bytes each.
    fn rows(&self, ids: &[Id], bytes: usize) -> Result<Vec<&[u8]>, StoreError> {
        let mut hint: Option<&BatchAt> = None;
        let row = |id: &Id| {
            let known = hint.and_then(|batch| batch.row(*id).map(|row| (batch, row)));
            let (batch, row) = known.or_else(|| self.find(*id)).ok_or(StoreError::Missing(*id))?;
            hint = Some(batch);
            Ok(batch.segment.bytes(batch.columns.features + (row * bytes) as u64, bytes))
        };
        ids.iter().map(row).collect()
    }

    fn find(&self, id: Id) -> Option<(&BatchAt, usize)> {
        let batches = self.batches.get(&id.stream())?;
        let batch = &batches[batches.partition_point(|batch| batch.first <= id).checked_sub(1)?];
        batch.row(id).map(|row| (batch, row))
    }
}
