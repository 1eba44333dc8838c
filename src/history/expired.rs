//! Samples that retention removed.

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use super::{History, HistoryError};

impl History {
    /// The number of these samples whose features were removed with the log or erased. Only expired
    /// segments with offsets of their partitions are read.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub(super) fn expired_among(&self, ids: &RoaringTreemap) -> Result<u64, HistoryError> {
        let mut expired = ids & self.catalog.erased()?;
        for (first, last) in spans(ids) {
            self.catalog.expired_between(first, last, |segment| {
                expired |= ids & segment.contents.samples;
            })?;
        }
        Ok(expired.len())
    }

    /// The number of samples of a decision's training set whose features were removed or erased.
    ///
    /// # Errors
    /// When there is no such decision.
    pub fn expired_of(&self, branch: &str, trigger: u64) -> Result<u64, HistoryError> {
        let set = self.training_set(branch, trigger)?;
        self.expired_among(&set.ids)
    }

    /// The key of an expired sample; 0 if it has no key, none if the sample is not expired.
    pub(super) fn expired_key(&self, id: Id) -> Result<Option<u128>, HistoryError> {
        let mut key = None;
        self.catalog.expired_between(id, id, |segment| {
            let samples = &segment.contents.samples;
            if samples.contains(id.0) {
                let number = samples.rank(id.0) - 1;
                key = Some(segment.contents.keys.get(number as usize).copied().unwrap_or(0));
            }
        })?;
        Ok(key)
    }

    /// The expired samples with a key.
    pub(super) fn expired_with(&self, key: u128) -> Result<Vec<Id>, HistoryError> {
        let mut found = Vec::new();
        self.catalog.expired_segments(|segment| {
            let samples = segment.contents.samples.iter().zip(&segment.contents.keys);
            found.extend(samples.filter(|(_, held)| **held == key).map(|(id, _)| Id(id)));
        })?;
        Ok(found)
    }
}

/// The first and last sample of each partition.
fn spans(ids: &RoaringTreemap) -> Vec<(Id, Id)> {
    let (mut spans, mut rest) = (Vec::new(), ids.iter());
    while let Some(first) = rest.next().map(Id) {
        let end = Id(first.0 | Id::MAX_OFFSET);
        let last = ids.rank(end.0).checked_sub(1).and_then(|rank| ids.select(rank)).map(Id);
        spans.push((first, last.unwrap_or(first)));
        match end.0.checked_add(1) {
            Some(next) => rest.advance_to(next),
            None => break,
        }
    }
    spans
}
