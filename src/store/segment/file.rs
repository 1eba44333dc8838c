//! One file of the log. One worker appends to it, and all others read it through a memory map.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::{MessageHeader, root_as_message};
use driftmill_datasets::Schema;
use driftmill_operators::Id;
use memmap2::Mmap;

use super::batch::schema_of;
use super::index::IndexEntry;
use crate::store::StoreError;

/// The end of an Arrow IPC stream.
const END: [u8; 8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

/// A segment file and its memory map.
///
/// The file has the length of its capacity until it is sealed, so that one map can be used while it grows.
/// The unwritten tail takes no space on disk.
///
/// Reading the map is sound for this reason: only bytes of published batches are read. These are the bytes
/// before the length in the index or the catalog, and they neither change nor disappear while they are
/// mapped.
/// * A writer, in this process or another, appends after the published length, and publishes a batch after
///   it is written.
/// * Cutting at the start and sealing shorten the file to a length that is not before the published one.
/// * Erasing and repairing write a new file. Repairing renames it to the old name, and processes that map
///   the old file keep it.
/// * Removing a file does not change its map.
///
/// The folder belongs to driftmill: another program that truncates a segment in it would end this process
/// with a bus error.
pub(in crate::store) struct Segment {
    path: PathBuf,
    /// None while the segment is only on its object store.
    map: OnceLock<Mmap>,
    /// The time of its last use, by the counter of the log.
    used: AtomicU64,
}

impl Segment {
    /// Opens a segment whose first `len` bytes are durable. Later bytes, which a crash left, are cut off.
    pub(in crate::store) fn cut(path: &Path, len: u64) -> Result<Self, StoreError> {
        let cut = || {
            let file = OpenOptions::new().write(true).open(path)?;
            if file.metadata()?.len() > len {
                file.set_len(len)?;
                file.write_all_at(&END, len)?;
            }
            Ok(())
        };
        cut().map_err(StoreError::opening(path))?;
        Self::open(path)
    }

    /// Opens a segment for reading, also while it grows.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        let segment = Self::remote(path);
        segment.map()?;
        Ok(segment)
    }

    /// Creates a segment that is only on its object store.
    pub(in crate::store) fn remote(path: &Path) -> Self {
        Self { path: path.to_owned(), map: OnceLock::new(), used: AtomicU64::new(0) }
    }

    /// Maps its file, which must exist.
    pub(in crate::store) fn map(&self) -> Result<(), StoreError> {
        let file = File::open(&self.path).map_err(StoreError::opening(&self.path))?;
        #[expect(unsafe_code, reason = "published bytes of a segment never change: see `Segment`")]
        let map = unsafe { Mmap::map(&file) }.map_err(StoreError::io("mapping", &self.path))?;
        self.map.get_or_init(|| map);
        Ok(())
    }

    /// Whether its file is mapped.
    pub(in crate::store) fn is_local(&self) -> bool {
        self.map.get().is_some()
    }

    /// Returns [`StoreError::Remote`] unless its file is mapped.
    pub(in crate::store) fn check_local(&self) -> Result<(), StoreError> {
        let remote = || StoreError::Remote { segment: self.name().to_owned() };
        self.map.get().map(drop).ok_or_else(remote)
    }

    /// The name of its files, without extension.
    pub(in crate::store) fn name(&self) -> &str {
        let stem = self.path.file_stem().and_then(|stem| stem.to_str());
        stem.expect("segments are named by numbers")
    }

    /// The time of its last use.
    pub(in crate::store) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Records a use at time `tick`.
    pub(in crate::store) fn touch(&self, tick: u64) {
        self.used.store(tick, Ordering::Relaxed);
    }

    /// All its bytes; none while it is remote.
    fn all(&self) -> &[u8] {
        self.map.get().map_or(&[], |map| map)
    }

    /// Number of bytes that the segment can hold.
    pub(in crate::store) fn capacity(&self) -> u64 {
        self.all().len() as u64
    }

    /// The schema of samples, read from the segment's first message.
    pub(in crate::store) fn schema(&self) -> Result<Schema, StoreError> {
        let schema = || {
            let prefix: [u8; 8] = self.all().get(..8)?.try_into().ok()?;
            let length = u32::from_le_bytes(prefix[4..].try_into().expect("four bytes"));
            let message = root_as_message(self.all().get(8..8 + length as usize)?).ok()?;
            schema_of(&try_fb_to_schema(message.header_as_schema()?).ok()?)
        };
        schema().ok_or_else(|| StoreError::Damaged {
            path: self.path.clone(),
            at: 0,
            detail: "it does not begin with a schema".to_owned(),
        })
    }

    /// The segment's file.
    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    /// The reason why the batch of `entry` is damaged; none if it is intact.
    pub(in crate::store) fn damage(&self, entry: &IndexEntry) -> Option<String> {
        if entry.at.checked_add(entry.len).is_none_or(|end| end > self.capacity()) {
            return Some("its index describes more bytes than the file has".to_owned());
        }
        let checksum = crc32fast::hash(self.bytes(entry.at, entry.len as usize));
        let wanted = entry.checksum;
        (checksum != wanted)
            .then(|| format!("checksum {checksum:08x} where {wanted:08x} was written"))
    }

    /// `len` bytes from `at` on.
    pub(in crate::store) fn bytes(&self, at: u64, len: usize) -> &[u8] {
        &self.all()[at as usize..][..len]
    }

    /// The id of row `row` of a batch.
    pub(in crate::store) fn id(&self, columns: &ColumnsAt, row: u64) -> Result<Id, StoreError> {
        let at = (columns.ids + 8 * row) as usize;
        let id = self
            .all()
            .get(at..at.saturating_add(8))
            .ok_or_else(|| not_a_batch(&self.path, columns.ids))?;
        Ok(Id(u64::from_le_bytes(id.try_into().expect("eight bytes"))))
    }

    /// The positions of the columns of the batch at byte `at`.
    pub(in crate::store) fn columns(&self, at: u64) -> Result<ColumnsAt, StoreError> {
        let mut at = at as usize;
        // the first batch of a stream follows the schema of the stream.
        for _ in 0..2 {
            let damaged = |detail: &str| StoreError::Damaged {
                path: self.path.clone(),
                at: at as u64,
                detail: detail.to_owned(),
            };
            let prefix = self.all().get(at..at.saturating_add(8));
            let prefix = prefix.ok_or_else(|| damaged("cut off"))?;
            let prefix: [u8; 8] = prefix.try_into().expect("eight bytes");
            let length = u32::from_le_bytes(prefix[4..].try_into().expect("four bytes")) as usize;
            let metadata =
                self.all().get(at + 8..at + 8 + length).ok_or_else(|| damaged("cut off"))?;
            let message = root_as_message(metadata).map_err(|e| damaged(&e.to_string()))?;
            let body = at + 8 + length;
            if message.header_type() == MessageHeader::Schema {
                at = body;
                continue;
            }
            let batch = message.header_as_record_batch();
            let batch = batch.ok_or_else(|| damaged("not a record batch"))?;
            let buffers = batch.buffers().ok_or_else(|| damaged("a batch without columns"))?;
            // two buffers per column, validity and values; the list has only validity, and its items have
            // two.
            if buffers.len() != 15 {
                return Err(damaged("not the columns of this log"));
            }
            let place = |i: usize| (body as i64 + buffers.get(i).offset()) as u64;
            let labelled = (buffers.get(10).length() > 0).then(|| place(10));
            let end = (body as i64).saturating_add(message.bodyLength()) as u64;
            if end > self.capacity() {
                return Err(damaged("cut off"));
            }
            return Ok(ColumnsAt {
                end,
                rows: batch.length() as u64,
                ids: place(1),
                position_times: place(3),
                times: place(5),
                kinds: place(7),
                keys: place(9),
                labelled,
                labels: place(11),
                features: place(14),
            });
        }
        Err(StoreError::Damaged {
            path: self.path.clone(),
            at: at as u64,
            detail: "two schemas in a row".into(),
        })
    }
}

/// Byte offsets of a batch's columns inside its segment.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct ColumnsAt {
    /// The byte after the batch.
    pub(in crate::store) end: u64,
    /// Number of rows.
    pub(in crate::store) rows: u64,
    /// Ids, 8 bytes each.
    pub(in crate::store) ids: u64,
    /// Position times, 8 bytes each.
    pub(in crate::store) position_times: u64,
    /// Event times, 8 bytes each.
    pub(in crate::store) times: u64,
    /// Kinds, 1 byte each.
    pub(in crate::store) kinds: u64,
    /// Keys, 16 bytes each.
    pub(in crate::store) keys: u64,
    /// Validity of labels, 1 bit each; none if all rows have labels.
    pub(in crate::store) labelled: Option<u64>,
    /// Labels, 4 bytes each.
    pub(in crate::store) labels: u64,
    /// Feature values.
    pub(in crate::store) features: u64,
}

/// The error where the bytes are no batch of this log.
pub(in crate::store) fn not_a_batch(path: &Path, at: u64) -> StoreError {
    let detail = "no batch of this log is there".to_owned();
    StoreError::Damaged { path: path.to_owned(), at, detail }
}
