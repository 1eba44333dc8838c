//! Rows by their message keys.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use crate::store::segment::key_index::{KeyIndex, upper_half, write};
use crate::store::{Log, LogBatch, StoreError};

impl Log {
    /// Indexes the keys of complete segments, so that [`with_key`](Self::with_key) reads only batches with
    /// the key. Segments without keys, and those that are only on an object store, are left out.
    ///
    /// # Errors
    /// When a segment is damaged, or the file system returns an error.
    pub fn index_keys(&self, stopping: impl Fn() -> bool) -> Result<(), StoreError> {
        let done = self.read().keys_indexed.clone();
        let segments = self.segments().into_iter().filter(|segment| !done.contains(&segment.name));
        for segment in segments.filter(|segment| self.is_complete(segment)) {
            if stopping() {
                break;
            }
            self.index_keys_of(&segment.name)?;
            self.write().keys_indexed.insert(segment.name);
        }
        Ok(())
    }

    fn index_keys_of(&self, segment: &str) -> Result<(), StoreError> {
        match self.key_index(segment) {
            Err(StoreError::NotFound { .. }) => {}
            Err(error) if error.is_damage() => tracing::warn!("{error}"),
            indexed => return indexed.map(drop),
        }
        if self.is_remote(segment) {
            return Ok(());
        }
        let mut keys = Vec::new();
        for batch in self.batches_of(segment) {
            let rows = self.columns_of(&batch)?;
            let present = rows.keys.iter().filter(|key| **key != 0);
            keys.extend(present.map(|key| (upper_half(*key), batch.entry.at)));
        }
        if keys.is_empty() { Ok(()) } else { write(&self.key_index_path(segment), keys) }
    }

    /// The batches of partition `stream` with rows that have `key`, in the order of offsets, without
    /// features.
    ///
    /// # Errors
    /// When an index or a batch is damaged.
    pub fn with_key(&self, stream: u32, key: u128) -> Result<Vec<LogBatch>, StoreError> {
        let batches = self.read().batches.get(&stream).cloned().unwrap_or_default();
        let mut indexes: HashMap<String, Option<BTreeSet<u64>>> = HashMap::new();
        let mut found = Vec::new();
        for batch in &batches {
            let name = batch.segment_name();
            if !indexes.contains_key(name) {
                indexes.insert(name.to_owned(), self.indexed_batches(name, key)?);
            }
            if indexes[name].as_ref().is_none_or(|indexed| indexed.contains(&batch.entry.at)) {
                let rows = self.columns_of(batch)?;
                found.extend(Some(rows).filter(|rows| rows.keys.contains(&key)));
            }
        }
        Ok(found)
    }

    /// The first bytes of the batches of a segment that may contain `key`; none without an index.
    fn indexed_batches(
        &self,
        segment: &str,
        key: u128,
    ) -> Result<Option<BTreeSet<u64>>, StoreError> {
        match self.key_index(segment).and_then(|index| index.batches_with(key)) {
            Err(StoreError::NotFound { .. }) => Ok(None),
            found => found.map(|batches| Some(batches.into_iter().collect())),
        }
    }

    fn key_index(&self, segment: &str) -> Result<KeyIndex, StoreError> {
        KeyIndex::open(&self.key_index_path(segment))
    }

    fn key_index_path(&self, segment: &str) -> PathBuf {
        self.folder.join(format!("{segment}.keys"))
    }
}
