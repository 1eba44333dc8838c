//! Rebuilds a damaged or missing index from its segment.

use std::sync::Arc;

use crate::atomic_write::replace_file;
use crate::store::segment::file::{Segment, not_a_batch};
use crate::store::segment::index::IndexEntry;
use crate::store::segment::location::BatchAt;
use crate::store::{Log, RowKind, SegmentLength, StoreError};

impl Log {
    /// Writes the index of a segment again, up to its durable length. Intact entries are kept. All others
    /// are computed from the batches themselves, so that their checksums are those of the current bytes.
    ///
    /// All other segments must have been inserted: the highest event time of a partition continues from
    /// its earlier batches. It does not include times to which idle partitions were raised
    /// (`order.idle_after`).
    ///
    /// # Errors
    /// When the segment is damaged, too, or a file cannot be written.
    pub(in crate::store) fn rebuild_index(
        &self,
        length: &SegmentLength,
        damage: &StoreError,
    ) -> Result<(), StoreError> {
        let path = self.folder.join(format!("{}.arrows", length.name));
        let index = path.with_extension("index");
        let old = std::fs::read(&index).unwrap_or_default();
        let segment = Arc::new(Segment::cut(&path, length.bytes)?);
        let mut known = old.as_chunks::<{ IndexEntry::LEN }>().0.iter();
        let mut entries: Vec<IndexEntry> = Vec::new();
        let mut end = 0;
        for _ in 0..length.batches {
            let kept = known.next().and_then(IndexEntry::parse).filter(|entry| entry.at == end);
            let entry = match kept {
                Some(entry) => entry,
                None => self.describe(&segment, end, &entries)?,
            };
            end = entry.at + entry.len;
            entries.push(entry);
        }
        if end != length.bytes {
            return Err(not_a_batch(&path, end));
        }
        let bytes: Vec<u8> = entries.iter().flat_map(IndexEntry::bytes).collect();
        replace_file(&index, &bytes).map_err(StoreError::io("rewriting", &index))?;
        tracing::warn!("{damage}: it was rebuilt from its segment");
        Ok(())
    }

    /// The entry of the batch at byte `at`, which follows those of `before` in its segment.
    fn describe(
        &self,
        segment: &Arc<Segment>,
        at: u64,
        before: &[IndexEntry],
    ) -> Result<IndexEntry, StoreError> {
        let columns = segment.columns(at)?;
        let len = columns.end - at;
        let mut entry = IndexEntry {
            at,
            len,
            first: segment.id(&columns, 0)?,
            last: segment.id(&columns, columns.rows.saturating_sub(1))?,
            highest: i64::MIN,
            rows: columns.rows as u32,
            samples: 0,
            invalid: 0,
            late: 0,
            checksum: crc32fast::hash(segment.bytes(at, len as usize)),
        };
        let rows = BatchAt::found(Arc::clone(segment), entry).read(self.schema.value)?;
        entry.samples = rows.count(RowKind::Put) + rows.count(RowKind::Erased);
        entry.invalid = rows.count(RowKind::Invalid);
        let placed = (0..rows.len()).filter(|row| rows.kinds[*row] != RowKind::Invalid as u8);
        let times = placed.clone().map(|row| rows.times[row]);
        entry.late =
            placed.filter(|row| rows.times[*row] < rows.position_times[*row]).count() as u32;
        let shared = self.read();
        let others = shared.batches.get(&entry.first.stream());
        let others = others.into_iter().flatten().map(|batch| &batch.entry);
        let earlier = others
            .chain(before)
            .filter(|other| {
                other.first.stream() == entry.first.stream() && other.first < entry.first
            })
            .map(|other| other.highest);
        entry.highest = times.chain(earlier).max().unwrap_or(i64::MIN);
        Ok(entry)
    }
}
