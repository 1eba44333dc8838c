use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;

use super::gather::append;
use super::growing::{Growing, SegmentFiles};
use super::index::IndexEntry;
use super::place::BatchAt;
use super::replay::Replay;
use super::segment::Segment;
use super::{Counts, LogBatch, LogWriter, SegmentLength, StoreError};
use crate::fail;

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
pub(super) struct Shared {
    /// Per partition ([`Id::stream`]), in the order of offsets.
    pub(super) batches: BTreeMap<u32, Vec<BatchAt>>,
    /// What is not recorded as durable to its end, by the segments' names.
    growing: BTreeMap<String, Growing>,
}

impl Log {
    /// A new log in `folder`, for samples of `schema`.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn create(folder: &Path, schema: Schema) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::io("creating", folder))?;
        Self::open(folder, schema, &[])
    }

    /// The log in `folder` as far as it is `durable`; what a crash left behind that is cut off.
    ///
    /// # Errors
    /// When a segment lacks what was durable, or its index is damaged.
    pub fn open(
        folder: &Path,
        schema: Schema,
        durable: &[SegmentLength],
    ) -> Result<Self, StoreError> {
        let log = Self { folder: folder.to_owned(), schema, shared: Arc::default() };
        log.remove_all_but(durable)?;
        log.insert_all(durable, true)?;
        Ok(log)
    }

    fn insert_all(&self, durable: &[SegmentLength], cut: bool) -> Result<(), StoreError> {
        for length in durable {
            for batch in self.segment(length, cut)? {
                self.write().insert(batch);
            }
        }
        for batches in self.write().batches.values_mut() {
            batches.sort_by_key(|batch| batch.entry.first);
        }
        Ok(())
    }

    /// The log in `folder` as far as it is `durable`, to be looked at while others write it: no file
    /// is touched, and what samples are is what the first segment says.
    ///
    /// # Errors
    /// When a segment lacks what was durable, or its index is damaged.
    pub fn view(folder: &Path, durable: &[SegmentLength]) -> Result<Self, StoreError> {
        let mut schema = Schema { value: ValueType::F32, shape: vec![0] };
        if let Some(length) = durable.first() {
            schema = Segment::open(&folder.join(format!("{}.arrows", length.name)))?.schema()?;
        }
        let log = Self { folder: folder.to_owned(), schema, shared: Arc::default() };
        log.insert_all(durable, false)?;
        Ok(log)
    }

    /// Removes segments of which nothing is known to be durable.
    fn remove_all_but(&self, durable: &[SegmentLength]) -> Result<(), StoreError> {
        let reading = || StoreError::io("reading", &self.folder);
        for entry in fs::read_dir(&self.folder).map_err(reading())? {
            let path = entry.map_err(reading())?.path();
            let known = |stem: &std::ffi::OsStr| durable.iter().any(|length| *length.name == *stem);
            if !path.file_stem().is_some_and(known) {
                fs::remove_file(&path).map_err(StoreError::io("removing", &path))?;
            }
        }
        Ok(())
    }

    /// The batches of a segment, whose files are `cut` to its length if they may be.
    fn segment(&self, length: &SegmentLength, cut: bool) -> Result<Vec<BatchAt>, StoreError> {
        let path = self.folder.join(format!("{}.arrows", length.name));
        let index_path = path.with_extension("index");
        let wanted = length.batches as usize * IndexEntry::LEN;
        let bytes = fs::read(&index_path).map_err(StoreError::io("reading", &index_path))?;
        let damaged = |at: usize, detail: &str| StoreError::Damaged {
            path: index_path.clone(),
            at: at as u64,
            detail: detail.to_owned(),
        };
        let entries = bytes.get(..wanted).ok_or_else(|| damaged(bytes.len(), "it is cut off"))?;
        if cut && bytes.len() > wanted {
            let file = File::options().write(true).open(&index_path);
            let cut = file.and_then(|file| file.set_len(wanted as u64));
            cut.map_err(StoreError::io("cutting", &index_path))?;
        }
        let segment = if cut { Segment::cut(&path, length.bytes) } else { Segment::open(&path) };
        let segment = Arc::new(segment?);
        let (entries, _) = entries.as_chunks::<{ IndexEntry::LEN }>();
        let mut end = 0;
        let batch = |(i, bytes): (usize, &[u8; IndexEntry::LEN])| {
            let entry = IndexEntry::parse(bytes).filter(|entry| entry.at == end);
            let text = "an entry is not what was written";
            let entry = entry.ok_or_else(|| damaged(i * IndexEntry::LEN, text))?;
            end += entry.len;
            Ok(BatchAt::found(Arc::clone(&segment), entry))
        };
        let batches: Vec<BatchAt> =
            entries.iter().enumerate().map(batch).collect::<Result<_, StoreError>>()?;
        if end != length.bytes || end > segment.capacity() {
            return Err(damaged(wanted, "it does not reach the end of its segment"));
        }
        Ok(batches)
    }

    /// Shape and type of the samples' features.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Appends for worker `worker`; one at a time for each worker.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn writer(&self, worker: usize) -> Result<LogWriter, StoreError> {
        LogWriter::new(self.clone(), &self.folder, worker)
    }

    /// Makes all that was appended durable: the segments that have grown since they were last
    /// [`recorded`](Self::recorded), with their lengths.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn sync(&self) -> Result<Vec<SegmentLength>, StoreError> {
        let growing: Vec<Growing> =
            self.read().growing.values().filter(|segment| segment.has_grown()).cloned().collect();
        for segment in &growing {
            segment.files.sync()?;
        }
        if !growing.is_empty() {
            let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
            folder.map_err(StoreError::io("syncing", &self.folder))?;
        }
        fail::point("log.synced");
        Ok(growing.iter().map(Growing::length).collect())
    }

    /// These lengths need not be told again.
    pub fn recorded(&self, durable: &[SegmentLength]) {
        let mut shared = self.write();
        for length in durable {
            if let Some(segment) = shared.growing.get_mut(&length.name) {
                segment.recorded = length.bytes;
            }
        }
        // of a segment that is complete nothing needs to stay open.
        shared.growing.retain(|_, segment| segment.has_grown() || !segment.sealed);
    }

    /// How many messages it has.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for BatchAt { entry, .. } in self.read().batches.values().flatten() {
            counts.rows += u64::from(entry.rows);
            counts.samples += u64::from(entry.samples);
            counts.bad += u64::from(entry.bad);
            counts.late += u64::from(entry.late);
        }
        counts
    }

    /// The offset after the last row of partition `stream` ([`Id::stream`]); none if it has no row.
    pub fn next_offset(&self, stream: u32) -> Option<u64> {
        Some(self.read().batches.get(&stream)?.last()?.entry.last.offset() + 1)
    }

    /// What was written of partition `stream` ([`Id::stream`]), a batch at a time, in the order of
    /// offsets, without features; batches whose event times are all before `from` may be left out,
    /// with all before them.
    pub fn replay(&self, stream: u32, from: i64) -> Replay {
        let shared = self.read();
        let batches = shared.batches.get(&stream).map_or(&[][..], Vec::as_slice);
        let next = batches.partition_point(|batch| batch.entry.highest < from);
        // the batch before says how far the partition was.
        Replay::new(self.clone(), stream, next.saturating_sub(1)..batches.len())
    }

    /// Batch number `number` of partition `stream`.
    pub(super) fn batch(&self, stream: u32, number: usize) -> Result<LogBatch, StoreError> {
        let batch = self.read().batches[&stream][number].clone();
        batch.read(self.schema.value)
    }

    /// The batch that has the row of `id`, without features; none if there is no such row.
    ///
    /// # Errors
    /// When the batch is not what was written.
    pub fn batch_with(&self, id: Id) -> Result<Option<LogBatch>, StoreError> {
        let found = self.read().find(id)?.map(|(batch, _)| batch.clone());
        found.map(|batch| batch.read(self.schema.value)).transpose()
    }

    pub(super) fn publish(&self, batch: BatchAt, (name, files): (&str, &Arc<SegmentFiles>)) {
        let mut shared = self.write();
        let end = batch.entry.at + batch.entry.len;
        let growing = shared.growing.entry(name.to_owned());
        growing.or_insert_with(|| Growing::new(name, files)).to(end);
        shared.insert(batch);
    }

    pub(super) fn sealed(&self, name: &str) {
        if let Some(segment) = self.write().growing.get_mut(name) {
            segment.sealed = true;
        }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Shared> {
        self.shared.read().expect("no writer panics while it holds the log")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shared> {
        self.shared.write().expect("no writer panics while it holds the log")
    }

    /// Appends the features of `ids` to `values`, in the order asked.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when an id was never appended, [`StoreError::Damaged`] when its
    /// batch is not what was written.
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
    fn insert(&mut self, batch: BatchAt) {
        self.batches.entry(batch.entry.first.stream()).or_default().push(batch);
    }

    /// The features of `ids`, of `bytes` bytes each.
    fn rows(&self, ids: &[Id], bytes: usize) -> Result<Vec<&[u8]>, StoreError> {
        let mut hint: Option<&BatchAt> = None;
        let row = |id: &Id| {
            let known = match hint {
                Some(batch) => batch.row(*id)?.map(|row| (batch, row)),
                None => None,
            };
            let found = if known.is_some() { known } else { self.find(*id)? };
            let (batch, row) = found.ok_or(StoreError::Missing(*id))?;
            hint = Some(batch);
            batch.features(row, bytes)
        };
        ids.iter().map(row).collect()
    }

    fn find(&self, id: Id) -> Result<Option<(&BatchAt, usize)>, StoreError> {
        let Some(batches) = self.batches.get(&id.stream()) else { return Ok(None) };
        let after = batches.partition_point(|batch| batch.entry.first <= id);
        let Some(batch) = after.checked_sub(1).map(|at| &batches[at]) else { return Ok(None) };
        Ok(batch.row(id)?.map(|row| (batch, row)))
    }
}
