//! The log of a run: rows by id.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::attached::Attached;
use super::growing::{Growing, SegmentFiles};
use super::rolling::Rolling;
use crate::failpoint::Failpoint;
use crate::store::segment::file::Segment;
use crate::store::segment::gather::append;
use crate::store::segment::location::BatchAt;
use crate::store::tier::{Cache, RemoteSegment};
use crate::store::{Counts, LogBatch, SegmentLength, StoreError};

/// The log of a run. It finds the rows of all workers by id.
///
/// It is cheap to clone. All clones share the log, and a row can be read as soon as it is appended.
#[derive(Clone)]
pub struct Log {
    pub(in crate::store) folder: PathBuf,
    pub(in crate::store) schema: Schema,
    pub(in crate::store) rolling: Rolling,
    pub(in crate::store) cache: Cache,
    /// Locked while a segment is fetched.
    pub(in crate::store) fetching: Arc<Mutex<()>>,
    pub(in crate::store) shared: Arc<RwLock<Shared>>,
}

#[derive(Default)]
pub(in crate::store) struct Shared {
    /// The batches of each partition ([`Id::stream`]), in the order of offsets.
    pub(in crate::store) batches: BTreeMap<u32, Vec<BatchAt>>,
    /// Segments that are not recorded as durable up to their end, by name.
    pub(in crate::store) growing: BTreeMap<String, Growing>,
    /// Segments of other processes, by name.
    others: BTreeMap<String, Attached>,
    /// Segments on an object store, by name.
    pub(in crate::store) remote: BTreeMap<String, RemoteSegment>,
    /// Complete segments whose keys are indexed as far as they can be, by name.
    pub(in crate::store) keys_indexed: BTreeSet<String>,
    /// A counter of reads.
    clock: AtomicU64,
}

impl Log {
    /// Sets the limits of new segments.
    pub fn rolling(self, rolling: Rolling) -> Self {
        Self { rolling, ..self }
    }

    /// Shape and type of the samples' features.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Adds the durable rows of another process. They can be read from now on, and their lengths are among
    /// those of the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// When a segment is shorter than its durable length, or its index is damaged.
    pub fn attach(&self, durable: &[SegmentLength]) -> Result<(), StoreError> {
        for length in durable {
            let known = self.read().others.get(&length.name).cloned();
            let mut attached = match known {
                Some(known) => known,
                None => Attached::open(&self.folder, &length.name)?,
            };
            let batches = attached.grow(length)?;
            let mut shared = self.write();
            batches.into_iter().for_each(|batch| shared.insert(batch));
            shared.others.insert(length.name.clone(), attached);
        }
        Ok(())
    }

    /// Whether there is a row for each of `ids`.
    ///
    /// # Errors
    /// When a batch is damaged.
    pub fn has(&self, ids: &[Id]) -> Result<bool, StoreError> {
        self.with_local(|shared| {
            for id in ids {
                if shared.find(*id)?.is_none() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Makes all appended rows durable. Returns the lengths of the segments that have grown since they were
    /// last [`recorded`](Self::recorded).
    ///
    /// # Errors
    /// When the file system returns an error.
    pub fn sync(&self) -> Result<Vec<SegmentLength>, StoreError> {
        let growing: Vec<Growing> =
            self.read().growing.values().filter(|segment| segment.has_grown()).cloned().collect();
        for segment in &growing {
            segment.files.sync()?;
        }
        if !growing.is_empty() {
            self.sync_folder()?;
        }
        Failpoint::LogSynced.reach();
        let shared = self.read();
        let others = shared.others.values().filter(|other| other.has_grown());
        let others = others.map(|other| other.length.clone());
        Ok(growing.iter().map(Growing::length).chain(others).collect())
    }

    /// Makes the names of files durable.
    pub(in crate::store) fn sync_folder(&self) -> Result<(), StoreError> {
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(StoreError::io("syncing", &self.folder))
    }

    /// Records that these lengths are recorded and need not be reported again.
    pub fn recorded(&self, durable: &[SegmentLength]) {
        let mut shared = self.write();
        for length in durable {
            if let Some(segment) = shared.growing.get_mut(&length.name) {
                segment.recorded = length.bytes;
            }
            if let Some(other) = shared.others.get_mut(&length.name) {
                other.recorded = length.bytes;
            }
        }
        // a complete segment needs no open files.
        shared.growing.retain(|_, segment| segment.has_grown() || !segment.sealed);
    }

    /// The numbers of its messages.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for BatchAt { entry, .. } in self.read().batches.values().flatten() {
            counts.rows += u64::from(entry.rows);
            counts.samples += u64::from(entry.samples);
            counts.invalid += u64::from(entry.invalid);
            counts.late += u64::from(entry.late);
        }
        counts
    }

    /// The offset after the last row of partition `stream` ([`Id::stream`]); none if it has no row.
    pub fn next_offset(&self, stream: u32) -> Option<u64> {
        Some(self.last(stream)?.offset() + 1)
    }

    /// The first row of partition `stream` that a [`Replay`](crate::store::Replay) from the event time `from`
    /// reads.
    pub fn replays_from(&self, stream: u32, from: i64) -> Option<Id> {
        let shared = self.read();
        let batches = shared.batches.get(&stream)?;
        let next = batches.partition_point(|batch| batch.entry.highest < from);
        // the batch before contains the partition's highest event time.
        Some(batches.get(next.saturating_sub(1))?.entry.first)
    }

    /// The last row of partition `stream`; none if it has no row.
    pub(in crate::store) fn last(&self, stream: u32) -> Option<Id> {
        Some(self.read().batches.get(&stream)?.last()?.entry.last)
    }

    /// The batch with the first row of its partition from `id` on, without features; none at the end of the
    /// partition.
    pub(in crate::store) fn batch_from(&self, id: Id) -> Option<Result<LogBatch, StoreError>> {
        let shared = self.read();
        let batches = shared.batches.get(&id.stream())?;
        let at = batches.partition_point(|batch| batch.entry.last < id);
        let batch = batches.get(at)?.clone();
        drop(shared);
        Some(self.columns_of(&batch))
    }

    /// The batch with the row of `id`, without features; none if there is no such row.
    ///
    /// # Errors
    /// When the batch is damaged.
    pub fn batch_with(&self, id: Id) -> Result<Option<LogBatch>, StoreError> {
        let found =
            self.with_local(|shared| Ok(shared.find(id)?.map(|(batch, _)| batch.clone())))?;
        found.map(|batch| self.columns_of(&batch)).transpose()
    }

    pub(in crate::store) fn publish(&self, batch: BatchAt, name: &str, files: &Arc<SegmentFiles>) {
        let mut shared = self.write();
        let end = batch.entry.at + batch.entry.len;
        let growing = shared.growing.entry(name.to_owned());
        growing.or_insert_with(|| Growing::new(name, files)).to(end);
        shared.insert(batch);
    }

    pub(in crate::store) fn sealed(&self, name: &str) {
        if let Some(segment) = self.write().growing.get_mut(name) {
            segment.sealed = true;
        }
    }

    pub(in crate::store) fn read(&self) -> RwLockReadGuard<'_, Shared> {
        self.shared.read()
    }

    pub(in crate::store) fn write(&self) -> RwLockWriteGuard<'_, Shared> {
        self.shared.write()
    }

    /// Appends the features of `ids` to `values`, in this order.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when an id was never appended, [`StoreError::Damaged`] when its
    /// batch is damaged.
    ///
    /// # Panics
    /// When `values` is not of this log's type.
    pub fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), StoreError> {
        let tick = self.tick();
        self.with_local(|shared| {
            let rows = shared.rows(ids, self.schema.bytes(), tick)?;
            match self.schema.value {
                ValueType::F32 => append(&rows, values.floats()),
                ValueType::U8 => append(&rows, values.bytes()),
            }
            Ok(())
        })
    }

    /// The next value of the counter.
    pub(in crate::store) fn tick(&self) -> u64 {
        self.read().clock.fetch_add(1, Ordering::Relaxed)
    }
}

impl Shared {
    /// Removes the local copy of a remote segment. Returns false if it is in use.
    pub(in crate::store) fn evict(&mut self, name: &str) -> bool {
        let Some(remote) = self.remote.get_mut(name) else { return false };
        let mut batches: Vec<&mut BatchAt> = self
            .batches
            .values_mut()
            .flatten()
            .filter(|batch| batch.segment_name() == name)
            .collect();
        if Arc::strong_count(&remote.segment) > batches.len() + 1 {
            return false;
        }
        let segment = Arc::new(Segment::remote(remote.segment.path()));
        for batch in &mut batches {
            **batch = batch.in_segment(&segment);
        }
        remote.segment = segment;
        let path = remote.segment.path();
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!("removing `{}`: {error}", path.display());
        }
        true
    }

    pub(in crate::store) fn insert(&mut self, batch: BatchAt) {
        self.batches.entry(batch.entry.first.stream()).or_default().push(batch);
    }

    /// The features of `ids`, of `bytes` bytes each.
    fn rows(&self, ids: &[Id], bytes: usize, tick: u64) -> Result<Vec<&[u8]>, StoreError> {
        let mut hint: Option<&BatchAt> = None;
        let row = |id: &Id| {
            let known = match hint {
                Some(batch) => batch.row(*id)?.map(|row| (batch, row)),
                None => None,
            };
            let found = if known.is_some() { known } else { self.find(*id)? };
            let (batch, row) = found.ok_or(StoreError::Missing(*id))?;
            if hint.is_none_or(|known| !std::ptr::eq(known, batch)) {
                batch.segment().touch(tick);
            }
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
