//! The log of a run: rows by id.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::attached::Attached;
use super::growing::{Growing, SegmentFiles};
use super::rolling::Rolling;
use super::shared::Shared;
use crate::failpoint::Failpoint;
use crate::store::segment::gather::append;
use crate::store::segment::location::BatchAt;
use crate::store::tier::Cache;
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
        let found = self.with_local(|| {
            let located = self.locate(ids)?;
            rows(&located, ids).try_for_each(|row| row.map(drop))
        });
        match found {
            Err(StoreError::Missing(_)) => Ok(false),
            found => found.map(|()| true),
        }
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
        for batch in self.read().batches.values().flatten() {
            let entry = &batch.entry;
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
        let batch = Arc::clone(batches.get(at)?);
        drop(shared);
        Some(self.columns_of(&batch))
    }

    /// The batch with the row of `id`, without features; none if there is no such row.
    ///
    /// # Errors
    /// When the batch is damaged.
    pub fn batch_with(&self, id: Id) -> Result<Option<LogBatch>, StoreError> {
        let ids = [id];
        let found = self.with_local(|| {
            let located = self.locate(&ids)?;
            rows(&located, &ids).try_for_each(|row| row.map(drop))?;
            Ok(Arc::clone(&located[0].batch))
        });
        match found {
            Err(StoreError::Missing(_)) => Ok(None),
            found => self.columns_of(&*found?).map(Some),
        }
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
        let bytes = self.schema.bytes();
        self.with_local(|| {
            let located = self.locate(ids)?;
            located.iter().for_each(|located| located.batch.segment().touch(tick));
            let features = rows(&located, ids).map(|found| {
                let (batch, row) = found?;
                batch.features(row, bytes)
            });
            let features = features.collect::<Result<Vec<&[u8]>, StoreError>>()?;
            match self.schema.value {
                ValueType::F32 => append(&features, values.floats()),
                ValueType::U8 => append(&features, values.bytes()),
            }
            Ok(())
        })
    }

    /// The batches in whose ranges the ids are. Reads no rows, so that nobody waits for a disk while the
    /// log is locked.
    fn locate(&self, ids: &[Id]) -> Result<Vec<Located>, StoreError> {
        let shared = self.read();
        let mut located: Vec<Located> = Vec::new();
        for id in ids {
            match located.last_mut() {
                Some(last) if last.batch.spans(*id) => last.ids += 1,
                _ => {
                    let batch = shared.batch_of(*id).ok_or(StoreError::Missing(*id))?;
                    located.push(Located { batch, ids: 1 });
                }
            }
        }
        Ok(located)
    }

    /// The next value of the counter.
    pub(in crate::store) fn tick(&self) -> u64 {
        self.read().clock.fetch_add(1, Ordering::Relaxed)
    }
}

/// A batch in whose range some ids in a row are.
struct Located {
    batch: Arc<BatchAt>,
    /// Number of these ids.
    ids: usize,
}

/// The batch and the row of each id, after [`Log::locate`].
fn rows<'a>(
    located: &'a [Located],
    ids: &'a [Id],
) -> impl Iterator<Item = Result<(&'a BatchAt, usize), StoreError>> {
    let batches = located.iter().flat_map(|it| std::iter::repeat_n(&*it.batch, it.ids));
    batches.zip(ids).map(|(batch, id)| {
        let row = batch.row(*id)?.ok_or(StoreError::Missing(*id))?;
        Ok((batch, row))
    })
}
