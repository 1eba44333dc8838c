use std::fs;
use std::path::{Path, PathBuf};

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use super::StoreError;
use super::index::IndexEntry;
use super::segment::Segment;

/// What a look at every byte of a log found.
#[derive(Clone, Debug, Default)]
pub struct LogHealth {
    /// Number of segments.
    pub segments: u64,
    /// Number of rows in batches that are what was written.
    pub rows: u64,
    /// Bytes of these batches.
    pub bytes: u64,
    /// Ids of these rows.
    pub ids: RoaringTreemap,
    /// What is wrong, a segment at a time: behind the first damage nothing is looked at.
    pub damages: Vec<Damage>,
}

/// Something in a file that is not what was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// Bytes of the segment that are right.
    pub valid: u64,
    /// What is wrong behind them.
    pub detail: String,
}

/// Compares every batch of the log in `folder` with its entry in the index: length, checksum, ids.
///
/// The tail of a segment whose writer was killed is not damage as long as no index speaks of it.
///
/// # Errors
/// When a file cannot be read.
pub fn verify(folder: &Path) -> Result<LogHealth, StoreError> {
    let entries = fs::read_dir(folder).map_err(StoreError::io("reading", folder))?;
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry.map_err(StoreError::io("reading", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "index") {
            segments.push(path);
        }
    }
    segments.sort();
    let mut health = LogHealth::default();
    for index in segments {
        health.look_at(&index)?;
    }
    Ok(health)
}

impl LogHealth {
    fn look_at(&mut self, index: &Path) -> Result<(), StoreError> {
        let path = index.with_extension("arrows");
        let bytes = fs::read(index).map_err(StoreError::io("reading", index))?;
        self.segments += 1;
        let (entries, torn) = bytes.as_chunks::<{ IndexEntry::LEN }>();
        if entries.is_empty() && torn.is_empty() {
            return Ok(());
        }
        let segment = Segment::open(&path)?;
        let mut valid = 0;
        for entry in entries.iter().map(IndexEntry::parse) {
            match self.compare(&segment, valid, &entry) {
                Ok(()) => valid += entry.len,
                Err(detail) => {
                    self.damages.push(Damage { path, valid, detail });
                    return Ok(());
                }
            }
        }
        if !torn.is_empty() {
            let detail = "its index ends in the middle of an entry".to_owned();
            self.damages.push(Damage { path, valid, detail });
        }
        Ok(())
    }

    /// Takes a batch in if it is what its entry says.
    fn compare(&mut self, segment: &Segment, at: u64, entry: &IndexEntry) -> Result<(), String> {
        if entry.at != at {
            return Err(format!("its index goes on at byte {}", entry.at));
        }
        if entry.at.checked_add(entry.len).is_none_or(|end| end > segment.capacity()) {
            return Err("its index speaks of more bytes than there are".to_owned());
        }
        let checksum = crc32fast::hash(segment.bytes(at, entry.len as usize));
        if checksum != entry.checksum {
            let wanted = entry.checksum;
            return Err(format!("checksum {checksum:08x} where {wanted:08x} was written"));
        }
        let columns = segment.columns(at).map_err(|error| error.to_string())?;
        if columns.rows != u64::from(entry.rows) {
            return Err(format!("{} rows where the index says {}", columns.rows, entry.rows));
        }
        let (ids, _) = segment.bytes(columns.ids, entry.rows as usize * 8).as_chunks::<8>();
        let ids: Vec<u64> = ids.iter().map(|id| u64::from_le_bytes(*id)).collect();
        let ends = (ids.first().copied().map(Id), ids.last().copied().map(Id));
        if ends != (Some(entry.first), Some(entry.last)) || !ids.is_sorted_by(|a, b| a < b) {
            return Err("its index names other samples".to_owned());
        }
        for id in &ids {
            if !self.ids.insert(*id) {
                return Err(format!("sample {:?} stands in the log twice", Id(*id)));
            }
        }
        self.rows += u64::from(entry.rows);
        self.bytes += entry.len;
        Ok(())
    }
}
