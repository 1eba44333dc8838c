//! The removal of expired data.

use roaring::RoaringTreemap;
use thiserror::Error;

use super::keys::Keys;
use super::{Plan, Subject};
use crate::catalog::{CatalogError, ExpiredSegment};
use crate::failpoint::Failpoint;
use crate::store::{Log, SegmentSummary, StoreError};

/// The error if retention cannot be applied.
#[derive(Debug, Error)]
pub enum RetentionError {
    /// The catalog or the model store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Plan {
    /// Records the removal with `record`, then removes the files. After a crash, a restart removes
    /// remaining files of the log, and the next plan removes those of versions.
    ///
    /// # Errors
    /// When a segment is damaged, or SQLite or the file system returns an error.
    pub fn apply(
        &self,
        subject: &Subject<'_>,
        record: impl FnOnce(&[ExpiredSegment], &[(&str, u64)]) -> Result<(), CatalogError>,
    ) -> Result<(), RetentionError> {
        let removed = self.expired_segments();
        let removed = removed.map(|summary| contents(summary, subject.keys, subject.log));
        let removed: Vec<ExpiredSegment> = removed.collect::<Result<_, _>>()?;
        let versions = self.expired_versions().map(|old| (&*old.branch, old.version));
        let versions: Vec<(&str, u64)> = versions.collect();
        record(&removed, &versions)?;
        Failpoint::RetentionRecorded.reach();
        let names: Vec<String> = removed.into_iter().map(|segment| segment.name).collect();
        subject.log.remove(&names)?;
        Failpoint::RetentionRemoved.reach();
        for (branch, version) in versions {
            (subject.store)(branch).remove_weights(version)?;
        }
        Ok(())
    }
}

/// The record of a removed segment.
fn contents(
    summary: &SegmentSummary,
    keys: &Keys,
    log: &Log,
) -> Result<ExpiredSegment, StoreError> {
    let SegmentSummary { name, bytes, counts, .. } = summary.clone();
    let contents = log.contents(&name)?;
    let (mut replaced, mut deleted) = (RoaringTreemap::new(), RoaringTreemap::new());
    if let Keys::Known(taken) = keys {
        // all samples of a segment of a keyed topic are retracted before it is removed.
        deleted = &contents.samples & &taken.deleted;
        replaced = &contents.samples - &deleted;
    }
    Ok(ExpiredSegment { name, bytes, counts, contents, replaced, deleted })
}
