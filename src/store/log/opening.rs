//! Creation and opening of a log.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use driftmill_datasets::{Schema, ValueType};

use super::rolling::Rolling;
use crate::store::segment::file::Segment;
use crate::store::segment::index::IndexEntry;
use crate::store::segment::location::BatchAt;
use crate::store::tier::{Cache, RemoteSegment};
use crate::store::{Log, SegmentLength, StoreError};

impl Log {
    /// Creates a log in `folder`, for samples of `schema`.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn create(folder: &Path, schema: Schema) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::io("creating", folder))?;
        Self::open(folder, schema, &[])
    }

    /// Opens the log in `folder` up to its `durable` lengths. Later bytes, which a crash left, are cut off.
    /// A damaged index is rebuilt from its segment.
    ///
    /// # Errors
    /// When a segment is shorter than its durable length, or the index of a remote one is damaged.
    pub fn open(
        folder: &Path,
        schema: Schema,
        durable: &[SegmentLength],
    ) -> Result<Self, StoreError> {
        let log = Self::empty(folder, schema);
        log.remove_all_but(durable)?;
        log.insert_all(durable, true)?;
        Ok(log)
    }

    /// Opens the log in `folder` up to its `durable` lengths, for a process that writes to it in addition
    /// to the process that opened it first.
    ///
    /// # Errors
    /// When a segment is shorter than its durable length, or its index is damaged.
    pub fn join(
        folder: &Path,
        schema: Schema,
        durable: &[SegmentLength],
    ) -> Result<Self, StoreError> {
        let log = Self::empty(folder, schema);
        log.insert_all(durable, false)?;
        Ok(log)
    }

    fn insert_all(&self, durable: &[SegmentLength], cut: bool) -> Result<(), StoreError> {
        let mut damaged = Vec::new();
        for length in durable {
            match self.insert_segment(length, cut) {
                Err(error) if cut && self.can_rebuild(length, &error) => {
                    damaged.push((length, error))
                }
                inserted => inserted?,
            }
        }
        for (length, damage) in damaged {
            self.rebuild_index(length, &damage)?;
            self.insert_segment(length, cut)?;
        }
        for batches in self.write().batches.values_mut() {
            batches.sort_by_key(|batch| batch.entry.first);
        }
        Ok(())
    }

    fn insert_segment(&self, length: &SegmentLength, cut: bool) -> Result<(), StoreError> {
        for batch in self.segment(length, cut)? {
            self.write().insert(batch);
        }
        Ok(())
    }

    /// Whether `error` is about the index of a local segment.
    fn can_rebuild(&self, length: &SegmentLength, error: &StoreError) -> bool {
        let segment = self.folder.join(format!("{}.arrows", length.name));
        let (StoreError::Damaged { path, .. } | StoreError::NotFound { path }) = error else {
            return false;
        };
        *path == segment.with_extension("index") && segment.exists()
    }

    /// Opens the log in `folder` up to its `durable` lengths for reading while others write it. No file is
    /// changed, and the schema is read from the first segment.
    ///
    /// # Errors
    /// When a segment is shorter than its durable length, or its index is damaged.
    pub fn view(folder: &Path, durable: &[SegmentLength]) -> Result<Self, StoreError> {
        let mut log = Self::empty(folder, Schema { value: ValueType::F32, shape: vec![0] });
        log.insert_all(durable, false)?;
        // a remote segment contains the schema as well as any other.
        let here = |length: &&SegmentLength| !log.is_remote(&length.name);
        if let Some(length) = durable.iter().find(here).or(durable.first()) {
            log.schema = log.fetch(&length.name)?.schema()?;
        }
        Ok(log)
    }

    /// Removes segments without a durable length.
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

    /// The batches of a segment. If `cut` is set, its files are cut to its length.
    fn segment(&self, length: &SegmentLength, cut: bool) -> Result<Vec<BatchAt>, StoreError> {
        let path = self.folder.join(format!("{}.arrows", length.name));
        let index_path = path.with_extension("index");
        let wanted = length.batches as usize * IndexEntry::LEN;
        let bytes = fs::read(&index_path).map_err(StoreError::opening(&index_path))?;
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
        let is_remote = length.remote.is_some() && !path.exists();
        let segment = match (is_remote, cut) {
            (true, _) => Segment::remote(&path),
            (false, true) => Segment::cut(&path, length.bytes)?,
            (false, false) => Segment::open(&path)?,
        };
        let segment = Arc::new(segment);
        let (entries, _) = entries.as_chunks::<{ IndexEntry::LEN }>();
        let mut end = 0;
        let batch = |(i, bytes): (usize, &[u8; IndexEntry::LEN])| {
            let entry = IndexEntry::parse(bytes).filter(|entry| entry.at == end);
            let text = "an entry is damaged";
            let entry = entry.ok_or_else(|| damaged(i * IndexEntry::LEN, text))?;
            end += entry.len;
            Ok(BatchAt::found(Arc::clone(&segment), entry))
        };
        let batches: Vec<BatchAt> =
            entries.iter().enumerate().map(batch).collect::<Result<_, StoreError>>()?;
        if end != length.bytes || (!is_remote && end > segment.capacity()) {
            return Err(damaged(wanted, "it does not reach the end of its segment"));
        }
        if let Some(url) = length.remote.clone() {
            self.write().remote.insert(length.name.clone(), RemoteSegment { segment, url });
        }
        Ok(batches)
    }

    fn empty(folder: &Path, schema: Schema) -> Self {
        let rolling = Rolling::default();
        Self {
            folder: folder.to_owned(),
            schema,
            rolling,
            cache: Cache::default(),
            fetching: Arc::default(),
            shared: Arc::default(),
        }
    }
}
