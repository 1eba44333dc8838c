//! Summaries of the log's segments, for their removal.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use super::location::BatchAt;
use crate::store::{Counts, Log, LogBatch, RowKind, StoreError};

/// The summary of a segment, from its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// The name of its files, without extension.
    pub name: String,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Its rows.
    pub counts: Counts,
    /// Highest event time of its partitions up to their last rows, in milliseconds since 1970.
    pub newest: i64,
    /// Whether the segment may still grow, or its durable length may.
    pub growing: bool,
    /// The first and last row of each partition.
    pub ends: Vec<(Id, Id)>,
}

/// The contents of a segment.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The ranges of rows, by partition.
    pub ranges: Vec<RowRange>,
    /// The samples.
    pub samples: RoaringTreemap,
    /// Their keys, in the order of ids; empty if they have none.
    pub keys: Vec<u128>,
}

/// Rows of one partition in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRange {
    /// The first row.
    pub first: Id,
    /// The last row.
    pub last: Id,
    /// Number of rows.
    pub rows: u64,
    /// Lowest event time, in milliseconds since 1970.
    pub from_time: i64,
    /// Highest event time.
    pub to_time: i64,
}

impl Log {
    /// All segments, oldest first, by their newest event times.
    pub fn segments(&self) -> Vec<SegmentSummary> {
        let shared = self.read();
        let mut found: BTreeMap<&str, SegmentSummary> = BTreeMap::new();
        for batch in shared.batches.values().flatten() {
            let name = batch.segment_name();
            let new = || SegmentSummary {
                name: name.to_owned(),
                bytes: 0,
                counts: Counts::default(),
                newest: i64::MIN,
                growing: shared.growing.contains_key(name),
                ends: Vec::new(),
            };
            found.entry(name).or_insert_with(new).add(batch);
        }
        let mut segments: Vec<SegmentSummary> = found.into_values().collect();
        drop(shared);
        segments.sort_by(|a, b| (a.newest, &a.name).cmp(&(b.newest, &b.name)));
        segments
    }

    /// Whether nobody writes to a segment any more. Any process may still write to one that contains the
    /// last row of a partition.
    pub(in crate::store) fn is_complete(&self, segment: &SegmentSummary) -> bool {
        let is_end =
            |(_, last): &(Id, Id)| self.next_offset(last.stream()) == Some(last.offset() + 1);
        !segment.growing && !segment.ends.iter().any(is_end)
    }

    /// The partitions with rows.
    pub fn streams(&self) -> Vec<u32> {
        let shared = self.read();
        let streams = shared.batches.iter().filter(|(_, batches)| !batches.is_empty());
        streams.map(|(stream, _)| *stream).collect()
    }

    /// The contents of segment `name`.
    ///
    /// # Errors
    /// When a batch is damaged.
    pub fn contents(&self, name: &str) -> Result<Contents, StoreError> {
        let mut batches = self.batches_of(name);
        batches.sort_by_key(|batch| batch.entry.first);
        let mut contents = Contents::default();
        for batch in batches {
            contents.add(&batch, &self.columns_of(&batch)?);
        }
        Ok(contents)
    }

    /// The batches of segment `name`, in the order of its file.
    pub(in crate::store) fn batches_of(&self, name: &str) -> Vec<Arc<BatchAt>> {
        let shared = self.read();
        let batches = shared.batches.values().flatten();
        let batches = batches.filter(|batch| batch.segment_name() == name);
        let mut batches: Vec<Arc<BatchAt>> = batches.cloned().collect();
        batches.sort_by_key(|batch| batch.entry.at);
        batches
    }

    /// Removes segments from the log, and those of their files that exist.
    ///
    /// A reader that holds one of their batches can still read it.
    ///
    /// # Errors
    /// When the file system returns an error.
    pub fn remove(&self, names: &[String]) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        for batches in self.write().batches.values_mut() {
            batches.retain(|batch| !names.iter().any(|name| name == batch.segment_name()));
        }
        for path in names.iter().flat_map(|name| self.files_of(name)) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(StoreError::io("removing", path)(error));
                }
                _ => {}
            }
        }
        self.sync_folder()
    }

    fn files_of(&self, name: &str) -> [std::path::PathBuf; 3] {
        ["arrows", "index", "keys"].map(|extension| self.folder.join(format!("{name}.{extension}")))
    }
}

impl SegmentSummary {
    /// Adds the next batch of the segment, in the order of ids.
    fn add(&mut self, BatchAt { entry, .. }: &BatchAt) {
        self.bytes += entry.len;
        self.newest = self.newest.max(entry.highest);
        self.counts.rows += u64::from(entry.rows);
        self.counts.samples += u64::from(entry.samples);
        self.counts.invalid += u64::from(entry.invalid);
        self.counts.late += u64::from(entry.late);
        match self.ends.last_mut() {
            Some((first, last)) if first.stream() == entry.first.stream() => *last = entry.last,
            _ => self.ends.push((entry.first, entry.last)),
        }
    }
}

impl Contents {
    /// Adds the next batch of the segment, in the order of ids.
    fn add(&mut self, batch: &BatchAt, rows: &LogBatch) {
        let new = RowRange {
            first: batch.entry.first,
            last: batch.entry.last,
            rows: 0,
            from_time: i64::MAX,
            to_time: i64::MIN,
        };
        if self.ranges.last().is_none_or(|range| range.first.stream() != new.first.stream()) {
            self.ranges.push(new);
        }
        let range = self.ranges.last_mut().expect("one was pushed");
        range.last = batch.entry.last;
        range.rows += rows.len() as u64;
        for (row, time) in rows.times.iter().enumerate() {
            range.from_time = range.from_time.min(*time);
            range.to_time = range.to_time.max(*time);
            if RowKind::of(rows.kinds[row]).is_some_and(RowKind::is_sample) {
                self.samples.insert(rows.ids[row]);
                self.keys.extend(Some(rows.keys[row]).filter(|key| *key != 0));
            }
        }
    }
}
