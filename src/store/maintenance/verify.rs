//! Verification of every byte of a log.

use std::fs;
use std::path::{Path, PathBuf};

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use crate::store::segment::file::Segment;
use crate::store::segment::index::IndexEntry;
use crate::store::segment::key_index::{KeyIndex, upper_half};
use crate::store::tier::download;
use crate::store::{SegmentLength, StoreError};

/// The problem of a missing file.
const MISSING: &str = "it is missing";

/// The result of a check of every byte of a log.
#[derive(Clone, Debug, Default)]
pub struct LogHealth {
    /// Number of segments.
    pub segments: u64,
    /// Number of rows in intact batches.
    pub rows: u64,
    /// Bytes of these batches.
    pub bytes: u64,
    /// Ids of these rows.
    pub ids: RoaringTreemap,
    /// The problems, at most one for each segment: nothing is checked after the first damage.
    pub damages: Vec<Damage>,
}

/// Damage in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// Number of intact bytes of the segment.
    pub valid: u64,
    /// The problem after them.
    pub detail: String,
}

/// Compares every batch of the log in `folder`, up to the `durable` lengths, with its entry in the index:
/// length, checksum, ids.
///
/// # Errors
/// When a file cannot be read.
pub fn verify(folder: &Path, durable: &[SegmentLength]) -> Result<LogHealth, StoreError> {
    let mut health = LogHealth::default();
    for length in durable {
        health.check_segment(&folder.join(format!("{}.index", length.name)), length)?;
    }
    Ok(health)
}

impl LogHealth {
    fn check_segment(&mut self, index: &Path, length: &SegmentLength) -> Result<(), StoreError> {
        let path = index.with_extension("arrows");
        self.segments += 1;
        let bytes = match fs::read(index).map_err(StoreError::opening(index)) {
            Err(StoreError::NotFound { path }) => {
                self.damages.push(Damage { path, valid: 0, detail: MISSING.to_owned() });
                return Ok(());
            }
            read => read?,
        };
        let (entries, _) = bytes.as_chunks::<{ IndexEntry::LEN }>();
        let is_local = length.remote.is_none() || path.exists();
        if let Some(url) = &length.remote {
            let whole = entries.iter().map_while(IndexEntry::parse).take(length.batches as usize);
            let copy = index.with_extension("verified");
            let damage = match download(url, &whole.collect::<Vec<_>>(), &copy) {
                Err(StoreError::NotFound { .. }) => Some((0, MISSING.to_owned())),
                Err(StoreError::Damaged { at, detail, .. }) => Some((at, detail)),
                Err(error) if error.is_damage() => Some((0, error.to_string())),
                Err(error) => return Err(error),
                Ok(()) if is_local => None,
                Ok(()) => self.compare_all(&copy, entries, length)?,
            };
            drop(fs::remove_file(&copy));
            if let Some((valid, detail)) = damage {
                self.damages.push(Damage { path: url.into(), valid, detail });
            }
        }
        if is_local {
            match self.compare_all(&path, entries, length)? {
                Some((valid, detail)) => self.damages.push(Damage { path, valid, detail }),
                None => self.damages.extend(damage_of_keys(&path, entries)?),
            }
        }
        Ok(())
    }

    /// Compares all batches of a segment with their entries. Returns the end of the intact part and the
    /// problem after it, if there is one.
    fn compare_all(
        &mut self,
        path: &Path,
        entries: &[[u8; IndexEntry::LEN]],
        length: &SegmentLength,
    ) -> Result<Option<(u64, String)>, StoreError> {
        let segment = match Segment::open(path) {
            Err(StoreError::NotFound { .. }) => return Ok(Some((0, MISSING.to_owned()))),
            opened => opened?,
        };
        let mut valid = 0;
        for number in 0..length.batches as usize {
            let entry = entries.get(number).ok_or("its index is cut off");
            let entry = entry.and_then(|entry| {
                IndexEntry::parse(entry).ok_or("an entry of its index is damaged")
            });
            match entry.map_err(str::to_owned).and_then(|entry| {
                self.compare(&segment, valid, &entry)?;
                Ok(entry.len)
            }) {
                Ok(len) => valid += len,
                Err(detail) => return Ok(Some((valid, detail))),
            }
        }
        let longer = || (valid, format!("it should continue to byte {}", length.bytes));
        Ok((valid != length.bytes).then(longer))
    }

    /// Adds a batch if it matches its entry.
    fn compare(&mut self, segment: &Segment, at: u64, entry: &IndexEntry) -> Result<(), String> {
        if entry.at != at {
            return Err(format!("its index continues at byte {}", entry.at));
        }
        if let Some(detail) = segment.damage(entry) {
            return Err(detail);
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
                return Err(format!("sample {:?} is in the log twice", Id(*id)));
            }
        }
        self.rows += u64::from(entry.rows);
        self.bytes += entry.len;
        Ok(())
    }
}

/// Compares the index of the keys of an intact segment with its rows, if there is one.
fn damage_of_keys(
    segment: &Path,
    entries: &[[u8; IndexEntry::LEN]],
) -> Result<Option<Damage>, StoreError> {
    let path = segment.with_extension("keys");
    let indexed = match KeyIndex::open(&path).and_then(|index| index.all()) {
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(StoreError::Damaged { at, detail, .. }) => {
            return Ok(Some(Damage { path, valid: at, detail }));
        }
        indexed => indexed?,
    };
    let segment = Segment::open(segment)?;
    let mut keys = Vec::new();
    for entry in entries.iter().filter_map(IndexEntry::parse) {
        let columns = segment.columns(entry.at)?;
        let (held, _) = segment.bytes(columns.keys, entry.rows as usize * 16).as_chunks::<16>();
        let held = held.iter().map(|key| u128::from_be_bytes(*key)).filter(|key| *key != 0);
        keys.extend(held.map(|key| (upper_half(key), entry.at)));
    }
    keys.sort_unstable();
    keys.dedup();
    let detail = "the key index names other batches than the segment has".to_owned();
    Ok((keys != indexed).then_some(Damage { path, valid: 0, detail }))
}
