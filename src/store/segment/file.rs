//! One file of the log: appended by one worker, read by everyone through a memory map.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::{MessageHeader, root_as_message};
use driftmill_datasets::Schema;
use memmap2::Mmap;

use super::batch::schema_of;
use super::index::IndexEntry;
use crate::store::StoreError;

/// The end of an Arrow IPC stream.
const END: [u8; 8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

/// A segment file and its memory map.
///
/// The file is as long as its capacity until it is sealed, so that one map serves while it grows;
/// the unwritten tail takes no room on disk.
///
/// Why reading the map is sound: only bytes of published batches are read, those before the length
/// that the index or the catalog states, and these never change nor go away while they are mapped.
/// * A writer appends behind the published length, in this process or another, and publishes a batch
///   after it is written.
/// * Cutting at the start and sealing shorten the file to a length that is not before the published
///   one.
/// * Erasing and repairing write a new file; repairing renames it to the old name, and those who map
///   the old file keep it.
/// * Removing a file leaves its map as it is.
///
/// The folder belongs to driftmill: another program that truncates a segment in it would end this
/// process with a bus error.
pub(in crate::store) struct Segment {
    path: PathBuf,
    /// None while the segment is on its object store alone.
    map: OnceLock<Mmap>,
    /// When it was used last, by the log's count.
    used: AtomicU64,
}

impl Segment {
    /// A segment of which the first `len` bytes are known to be durable: what a crash left behind
    /// them is cut off.
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

    /// A segment to be read, also while it grows.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        let segment = Self::remote(path);
        segment.map()?;
        Ok(segment)
    }

    /// A segment that is on its object store alone.
    pub(in crate::store) fn remote(path: &Path) -> Self {
        Self { path: path.to_owned(), map: OnceLock::new(), used: AtomicU64::new(0) }
    }

    /// Maps its file, which is there.
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

    /// [`StoreError::Remote`] unless its file is mapped.
    pub(in crate::store) fn here(&self) -> Result<(), StoreError> {
        let remote = || StoreError::Remote { segment: self.name().to_owned() };
        self.map.get().map(drop).ok_or_else(remote)
    }

    /// The name of its files, without extension.
    pub(in crate::store) fn name(&self) -> &str {
        let stem = self.path.file_stem().and_then(|stem| stem.to_str());
        stem.expect("segments are named by numbers")
    }

    /// When it was used last.
    pub(in crate::store) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// It is used at `tick`.
    pub(in crate::store) fn touch(&self, tick: u64) {
        self.used.store(tick, Ordering::Relaxed);
    }

    /// All its bytes; none while it is away.
    fn all(&self) -> &[u8] {
        self.map.get().map_or(&[], |map| map)
    }

    /// Bytes the segment can hold.
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

    /// Why the batch of `entry` is damaged, if it is.
    pub(in crate::store) fn damage(&self, entry: &IndexEntry) -> Option<String> {
        if entry.at.checked_add(entry.len).is_none_or(|end| end > self.capacity()) {
            return Some("its index speaks of more bytes than there are".to_owned());
        }
        let checksum = crc32fast::hash(self.bytes(entry.at, entry.len as usize));
        let wanted = entry.checksum;
        (checksum != wanted)
            .then(|| format!("checksum {checksum:08x} where {wanted:08x} was written"))
    }

    /// The bytes from `at` on.
    pub(in crate::store) fn bytes(&self, at: u64, len: usize) -> &[u8] {
        &self.all()[at as usize..][..len]
    }

    /// The places of the columns of the batch at byte `at`.
    pub(in crate::store) fn columns(&self, at: u64) -> Result<ColumnsAt, StoreError> {
        let mut at = at as usize;
        // the first batch of a stream stands behind the stream's schema.
        for _ in 0..2 {
            let damaged = |detail: &str| StoreError::Damaged {
                path: self.path.clone(),
                at: at as u64,
                detail: detail.to_owned(),
            };
            let prefix: [u8; 8] = self.all()[at..][..8].try_into().expect("eight bytes");
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
            // two buffers a column, validity and values; the list has validity alone, its items two.
            if buffers.len() != 15 {
                return Err(damaged("not the columns of this log"));
            }
            let place = |i: usize| (body as i64 + buffers.get(i).offset()) as u64;
            let labelled = (buffers.get(10).length() > 0).then(|| place(10));
            return Ok(ColumnsAt {
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
    /// Number of rows.
    pub(in crate::store) rows: u64,
    /// Ids, 8 bytes each.
    pub(in crate::store) ids: u64,
    /// Position times, 8 bytes each.
    pub(in crate::store) position_times: u64,
    /// Event times, 8 bytes each.
    pub(in crate::store) times: u64,
    /// Kinds, a byte each.
    pub(in crate::store) kinds: u64,
    /// Keys, 16 bytes each.
    pub(in crate::store) keys: u64,
    /// Which labels there are, a bit each; none if all are.
    pub(in crate::store) labelled: Option<u64>,
    /// Labels, 4 bytes each.
    pub(in crate::store) labels: u64,
    /// Feature values.
    pub(in crate::store) features: u64,
}
