//! Samples that retention has removed.

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use super::{History, HistoryError};

impl History {
    /// The samples whose features are gone: removed from the log, or erased.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub(super) fn expired_samples(&self) -> Result<RoaringTreemap, HistoryError> {
        let mut samples = RoaringTreemap::new();
        self.catalog.removed(|segment| samples |= segment.contents.samples)?;
        Ok(samples | self.catalog.erased()?)
    }

    /// Of how many samples of a decision's training set the features are gone.
    ///
    /// # Errors
    /// When there is no such decision.
    pub fn expired_of(&self, branch: &str, trigger: u64) -> Result<u64, HistoryError> {
        let set = self.training_set(branch, trigger)?;
        Ok(set.ids.intersection_len(&self.expired_samples()?))
    }

    /// The key of a sample that retention removed, 0 if it has none; none if it did not remove it.
    pub(super) fn expired_key(&self, id: Id) -> Result<Option<u128>, HistoryError> {
        let mut key = None;
        self.catalog.removed(|segment| {
            let samples = &segment.contents.samples;
            if samples.contains(id.0) {
                let number = samples.rank(id.0) - 1;
                key = Some(segment.contents.keys.get(number as usize).copied().unwrap_or(0));
            }
        })?;
        Ok(key)
    }

    /// The samples with a key that retention removed.
    pub(super) fn expired_with(&self, key: u128) -> Result<Vec<Id>, HistoryError> {
        let mut found = Vec::new();
        self.catalog.removed(|segment| {
            let samples = segment.contents.samples.iter().zip(&segment.contents.keys);
            found.extend(samples.filter(|(_, held)| **held == key).map(|(id, _)| Id(id)));
        })?;
        Ok(found)
    }
}
