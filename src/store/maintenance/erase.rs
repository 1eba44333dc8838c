//! Erases the features of samples from a segment.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use roaring::RoaringTreemap;

use crate::store::log::writer::{next_number, segment_name};
use crate::store::segment::index::IndexEntry;
use crate::store::segment::location::BatchAt;
use crate::store::{Log, RowKind, SegmentLength, StoreError};

impl Log {
    /// Writes a durable copy of segment `name` next to it. In the copy, the features of these samples are
    /// zeros and their rows are marked as erased. Everything else is unchanged. The copy is not read until
    /// it is opened in place of the segment.
    ///
    /// # Errors
    /// When a batch is damaged, or the file system returns an error.
    pub fn erase(&self, name: &str, ids: &RoaringTreemap) -> Result<SegmentLength, StoreError> {
        let _held = self.fetch(name)?;
        let worker = name.split('-').next().and_then(|worker| worker.parse().ok()).unwrap_or(0);
        let copy = segment_name(worker, next_number(&self.folder, worker)?);
        let [from, path] = [name, &copy].map(|name| self.folder.join(format!("{name}.arrows")));
        fs::copy(&from, &path).map_err(StoreError::io("copying", &from))?;
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(StoreError::io("opening", &path))?;
        let mut length = SegmentLength { name: copy, bytes: 0, batches: 0, remote: None };
        let mut index = Vec::new();
        for batch in self.batches_of(name) {
            let entry = self.erase_rows(&batch, ids, &file, &path)?;
            index.extend(entry.bytes());
            length.bytes += entry.len;
            length.batches += 1;
        }
        file.sync_all().map_err(StoreError::io("syncing", &path))?;
        let path = path.with_extension("index");
        fs::write(&path, index)
            .and_then(|()| File::open(&path)?.sync_all())
            .map_err(StoreError::io("writing", &path))?;
        self.sync_folder()?;
        Ok(length)
    }

    /// Erases rows of a batch in a copy of its segment. Returns the new entry of the batch.
    fn erase_rows(
        &self,
        batch: &BatchAt,
        ids: &RoaringTreemap,
        file: &File,
        path: &Path,
    ) -> Result<IndexEntry, StoreError> {
        let rows = self.columns_of(batch)?.ids;
        let erased = rows.iter().enumerate().filter(|(_, id)| ids.contains(**id));
        let erased: Vec<u64> = erased.map(|(row, _)| row as u64).collect();
        let mut entry = batch.entry;
        if erased.is_empty() {
            return Ok(entry);
        }
        let (kinds, features) = batch.kinds_and_features()?;
        let zeros = vec![0; self.schema.bytes()];
        let mut bytes = vec![0; entry.len as usize];
        let rewritten = erased.iter().try_for_each(|row| {
            file.write_all_at(&[RowKind::Erased as u8], kinds + row)?;
            file.write_all_at(&zeros, features + row * zeros.len() as u64)
        });
        let rewritten = rewritten.and_then(|()| file.read_exact_at(&mut bytes, entry.at));
        rewritten.map_err(StoreError::io("rewriting", path))?;
        entry.checksum = crc32fast::hash(&bytes);
        Ok(entry)
    }
}
