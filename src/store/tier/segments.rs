//! Segments on an object store, and the cache of segments on the local disk.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::ipc::writer::StreamEncoder;
use driftmill_operators::Span;

use super::cache::{Cache, RemoteSegment};
use super::objects::Objects;
use super::parquet::{Rows, to_parquet};
use crate::atomic_write::StagedFile;
use crate::failpoint::Failpoint;
use crate::outage::CancellationToken;
use crate::store::segment::batch::{arrow_schema, schema_of};
use crate::store::segment::file::Segment;
use crate::store::segment::index::IndexEntry;
use crate::store::segment::location::BatchAt;
use crate::store::{Log, LogBatch, SegmentSummary, Size, StoreError};

impl Log {
    /// Limits the local bytes of segments that are also on an object store to `limit` (default: no limit).
    /// With `cancellation`, reads wait for an object store that cannot be reached, until they are
    /// cancelled.
    #[must_use]
    pub fn cached(self, limit: Option<Size>, cancellation: Option<&CancellationToken>) -> Self {
        let cache =
            Cache { limit: limit.map(|limit| limit.0), cancellation: cancellation.cloned() };
        Self { cache, ..self }
    }

    /// Complete segments that are not on an object store and whose samples are all older than the newest
    /// sample by `age`, oldest first.
    pub fn not_uploaded(&self, age: Option<Span>) -> Vec<String> {
        let old = self.old(age).into_iter().filter(|segment| self.is_complete(segment));
        old.map(|segment| segment.name).collect()
    }

    /// Like [`not_uploaded`](Self::not_uploaded), for a log that nobody writes.
    pub fn ended_not_uploaded(&self, age: Option<Span>) -> Vec<String> {
        self.old(age).into_iter().map(|segment| segment.name).collect()
    }

    fn old(&self, age: Option<Span>) -> Vec<SegmentSummary> {
        let mut segments = self.segments();
        let newest = segments.last().map_or(i64::MIN, |segment| segment.newest);
        let before = age.map_or(i64::MAX, |age| newest.saturating_sub(age.millis()));
        let shared = self.read();
        let known = |segment: &SegmentSummary| shared.remote.contains_key(&segment.name);
        segments.retain(|segment| !segment.growing && segment.newest <= before && !known(segment));
        segments
    }

    /// Writes segment `name` to `url` as Parquet.
    ///
    /// # Errors
    /// When a batch is damaged, or the object store cannot be reached or returns an error.
    pub fn upload(&self, name: &str, url: &str) -> Result<(), StoreError> {
        let batches = self.batches_of(name);
        let Some(last) = batches.last() else { return Ok(()) };
        for batch in &batches {
            batch.kinds_and_features()?;
        }
        let bytes = last.segment().bytes(0, (last.entry.at + last.entry.len) as usize);
        Objects::at(url)?.put(to_parquet(bytes)?)
    }

    /// Records that segment `name` is at `url`. Its local copy may be removed.
    pub fn remote(&self, name: &str, url: String) {
        let segment = self.batches_of(name).first().map(|batch| Arc::clone(batch.segment()));
        if let Some(segment) = segment {
            self.write().remote.insert(name.to_owned(), RemoteSegment { segment, url });
        }
        self.evict();
    }

    /// Removes local copies, least recently used first, until the rest is within the limit.
    pub fn evict(&self) {
        let Some(limit) = self.cache.limit else { return };
        let mut shared = self.write();
        let here = shared.remote.iter().filter(|(_, remote)| remote.segment.is_local());
        let here = here.map(|(name, RemoteSegment { segment, .. })| {
            (segment.used(), name.clone(), segment.capacity())
        });
        let mut here: Vec<_> = here.collect();
        here.sort_unstable();
        let mut bytes: u64 = here.iter().map(|(.., bytes)| bytes).sum();
        for (_, name, size) in here {
            if bytes > limit && shared.evict(&name) {
                bytes -= size;
            }
        }
    }

    /// Removes the file of a segment that is also on an object store. It is fetched when the log is next
    /// opened. Returns false if the segment is not on an object store.
    ///
    /// # Errors
    /// When the file system returns an error.
    pub fn discard_copy(&self, path: &Path) -> Result<bool, StoreError> {
        if !self.read().remote.values().any(|remote| remote.segment.path() == path) {
            return Ok(false);
        }
        fs::remove_file(path).map_err(StoreError::io("removing", path))?;
        Ok(true)
    }

    /// Whether segment `name` is only on its object store.
    pub(in crate::store) fn is_remote(&self, name: &str) -> bool {
        self.read().remote.get(name).is_some_and(|remote| !remote.segment.is_local())
    }

    /// Reads from the log; a segment that is missing locally is fetched, and the read is repeated.
    pub(in crate::store) fn with_local<T>(
        &self,
        mut read: impl FnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // they stay local while they are needed together.
        let mut held = Vec::new();
        loop {
            match read() {
                Err(StoreError::Remote { segment }) => held.push(self.fetch(&segment)?),
                result => return result,
            }
        }
    }

    /// Reads all columns of a local or remote batch except the features.
    pub(in crate::store) fn columns_of(&self, batch: &BatchAt) -> Result<LogBatch, StoreError> {
        match batch.read(self.schema.value) {
            Err(StoreError::Remote { segment }) => {
                batch.in_segment(&self.fetch(&segment)?).read(self.schema.value)
            }
            read => read,
        }
    }

    /// Fetches a segment to the local disk. It stays there while the result is held.
    pub(in crate::store) fn fetch(&self, name: &str) -> Result<Arc<Segment>, StoreError> {
        let _one_at_a_time = self.fetching.lock();
        let remote = self.read().remote.get(name).cloned();
        let Some(RemoteSegment { segment, url }) = remote else {
            let found = self.batches_of(name).first().map(|batch| Arc::clone(batch.segment()));
            return found.ok_or_else(|| StoreError::NotFound { path: self.folder.join(name) });
        };
        if !segment.is_local() {
            let entries: Vec<IndexEntry> =
                self.batches_of(name).into_iter().map(|batch| batch.entry).collect();
            self.cache.until_reached(|| download(&url, &entries, segment.path()))?;
            segment.map()?;
            tracing::debug!(url, "fetched a segment of the log");
        }
        segment.touch(self.tick());
        self.evict();
        Ok(segment)
    }
}

/// Writes the segment of `entries` to `path`, byte for byte, from the object at `url`.
///
/// # Errors
/// When the object is damaged or cannot be read, or the file system returns an error.
pub(in crate::store) fn download(
    url: &str,
    entries: &[IndexEntry],
    path: &Path,
) -> Result<(), StoreError> {
    Failpoint::TierDownload.reach();
    let mut rows = Rows::of(url, Objects::at(url)?.get()?)?;
    let damaged = |at: u64| StoreError::Damaged {
        path: url.into(),
        at,
        detail: "its rows differ from those of the segment".to_owned(),
    };
    let schema = schema_of(&rows.schema()).ok_or_else(|| damaged(0))?;
    let mut staged = StagedFile::begin(path).map_err(StoreError::io("creating", path))?;
    let mut write =
        |part: &[u8]| staged.file().write_all(part).map_err(StoreError::io("writing", path));
    let mut encoder = StreamEncoder::try_new(&arrow_schema(&schema))?;
    for entry in entries {
        let mut batch = LogBatch::new(schema.value);
        if !rows.next(entry.rows as usize, |rows| batch.extend(rows))? {
            return Err(damaged(entry.at));
        }
        let parts = encoder.encode(&batch.into_arrow(&schema)?)?;
        if !entry.is_of(&parts) {
            return Err(damaged(entry.at));
        }
        parts.iter().try_for_each(|part| write(part))?;
    }
    encoder.finish()?.iter().try_for_each(|part| write(part))?;
    staged.complete().map_err(StoreError::io("writing", path))
}

/// Removes the object at `url`, if it exists.
///
/// # Errors
/// When the object store cannot be reached, or returns an error.
pub fn remove_object(url: &str) -> Result<(), StoreError> {
    Objects::at(url)?.delete()
}
