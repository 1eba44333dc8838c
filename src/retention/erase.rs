//! The erasure of samples from the log.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::RetentionError;
use super::retained_samples::{Needs, count};
use crate::catalog::CatalogError;
use crate::failpoint::Failpoint;
use crate::store::{Log, SegmentLength, StoreError};

/// Samples whose features are to be erased, while their segments stay.
#[derive(Clone, Debug, Default)]
pub struct Erasure {
    /// The samples by the names of their segments.
    pub segments: BTreeMap<String, RoaringTreemap>,
    /// The number of samples that cannot be erased yet, by reason.
    pub kept: BTreeMap<&'static str, u64>,
}

impl Erasure {
    /// The part of `wanted` that can be erased from `log`: every policy has observed these samples and
    /// their retractions.
    ///
    /// # Errors
    /// When a segment is damaged.
    pub fn of(wanted: &RoaringTreemap, needs: &Needs, log: &Log) -> Result<Self, StoreError> {
        let mut erasure = Self::default();
        let held = wanted & &needs.held;
        let trained = (wanted & &needs.in_training) - &held;
        erasure.keep("policies can reach them", held.len());
        erasure.keep("they are being trained on", trained.len());
        let rest = wanted - (held | trained);
        for segment in log.segments() {
            if count(&rest, &segment.ends) > 0 {
                let samples = log.contents(&segment.name)?.samples & &rest;
                erasure.segments.insert(segment.name, samples);
            }
        }
        Ok(erasure)
    }

    /// Adds samples that cannot be erased yet.
    pub fn keep(&mut self, reason: &'static str, samples: u64) {
        if samples > 0 {
            *self.kept.entry(reason).or_default() += samples;
        }
    }

    /// The number of erased samples.
    pub fn samples(&self) -> u64 {
        self.segments.values().map(RoaringTreemap::len).sum()
    }

    /// Rewrites each segment, records the copy with `record`, and removes the old segment from `log`. After
    /// a crash, a restart removes remaining files.
    ///
    /// # Errors
    /// When a segment is damaged, or SQLite or the file system returns an error.
    pub fn apply(
        &self,
        log: &Log,
        mut record: impl FnMut(&str, &SegmentLength, &RoaringTreemap) -> Result<(), CatalogError>,
    ) -> Result<(), RetentionError> {
        for (name, samples) in &self.segments {
            let copy = log.erase(name, samples)?;
            Failpoint::EraseWritten.reach();
            record(name, &copy, samples)?;
            Failpoint::EraseRecorded.reach();
            log.remove(std::slice::from_ref(name))?;
        }
        Ok(())
    }
}
