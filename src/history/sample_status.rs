//! The status of samples: replaced, deleted, erased or expired.

use driftmill_operators::{Change, Id, Kind, Position};
use roaring::RoaringTreemap;
use serde::Serialize;

use super::replay::Shown;
use super::{History, HistoryError};
use crate::catalog::ExpiredSegment;
use crate::retention::Retractions;
use crate::store::{Replay, RowKind};

/// The status of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleStatus {
    /// It is in the log and current.
    There,
    /// Another sample has its key.
    Replaced,
    /// Its key was deleted.
    Deleted,
    /// Retention removed it from the log.
    Expired,
}

/// The samples of a run that were retracted or removed.
#[derive(Clone, Debug, Default)]
pub struct SampleStatuses {
    /// Samples that other samples replaced.
    pub replaced: RoaringTreemap,
    /// Samples whose keys were deleted.
    pub deleted: RoaringTreemap,
    /// Samples that retention removed from the log, whatever their status.
    pub removed: RoaringTreemap,
}

impl SampleStatuses {
    /// Adds the samples of a segment that retention removed.
    fn expire(&mut self, segment: ExpiredSegment) {
        self.replaced |= segment.replaced;
        self.deleted |= segment.deleted;
        self.removed |= segment.contents.samples;
    }

    /// Adds a retracted sample. A replacing sample may wait for its label and appear later: the row that
    /// retracted the old sample determines whether it was replaced or deleted.
    fn retract(&mut self, id: Id, deleted: bool) {
        let set = if deleted { &mut self.deleted } else { &mut self.replaced };
        set.insert(id.0);
    }

    /// The status of sample `id`.
    pub fn of(&self, id: Id) -> SampleStatus {
        match (self.deleted.contains(id.0), self.replaced.contains(id.0)) {
            (true, _) => SampleStatus::Deleted,
            (_, true) => SampleStatus::Replaced,
            _ if self.removed.contains(id.0) => SampleStatus::Expired,
            _ => SampleStatus::There,
        }
    }
}

/// Retracted samples, each with the row that retracted it.
type ReplacedRows = Vec<(Id, Id)>;

impl History {
    /// The status of all samples.
    ///
    /// # Errors
    /// When the log is damaged.
    pub fn statuses(&self) -> Result<SampleStatuses, HistoryError> {
        let mut statuses = SampleStatuses::default();
        self.catalog.expired_segments(|segment| statuses.expire(segment))?;
        let retracted = self.retracted_rows(Shown::ALL)?;
        if !retracted.is_empty() {
            let deletions = self.deletions()?;
            retracted
                .into_iter()
                .for_each(|(id, by)| statuses.retract(id, deletions.contains(by.0)));
        }
        Ok(statuses)
    }

    /// The status of samples with `key`, or of samples without keys if it is 0. Only rows with the key are
    /// read, where keys are indexed.
    pub(super) fn statuses_of(
        &self,
        key: u128,
        ids: &[Id],
    ) -> Result<SampleStatuses, HistoryError> {
        let mut statuses = SampleStatuses::default();
        for id in ids {
            self.catalog.expired_between(*id, *id, |segment| statuses.expire(segment))?;
        }
        if key != 0 {
            for (id, by) in self.retracted_rows(Shown { key: Some(key), ..Shown::ALL })? {
                let rows = self.log.batch_with(by)?;
                let row = rows.as_ref().and_then(|rows| rows.ids.binary_search(&by.0).ok());
                let kind = rows.zip(row).map(|(rows, row)| rows.kinds[row]);
                statuses.retract(id, kind == Some(RowKind::Delete as u8));
            }
        }
        Ok(statuses)
    }

    /// The samples in the log that were retracted before `until`, for retention.
    ///
    /// # Errors
    /// When the log is damaged.
    pub fn retracted(&self, until: Position) -> Result<Retractions, HistoryError> {
        let by = self.retracted_rows(Shown { until, ..Shown::ALL })?;
        let deletions = self.deletions()?;
        let deleted = by.iter().filter(|(_, by)| deletions.contains(by.0));
        let deleted = deleted.map(|(retracted, _)| retracted.0).collect();
        Ok(Retractions { by, deleted })
    }

    /// The retracted samples, each with the row that retracted it.
    fn retracted_rows(&self, shown: Shown) -> Result<ReplacedRows, HistoryError> {
        if self.pipeline.source.keyed().is_none() {
            return Ok(ReplacedRows::new());
        }
        self.replay(shown, ReplacedRows::new(), |retracted, change: &Change| {
            if change.kind == Kind::Retract {
                retracted.push((change.record.id(), change.at.id()));
            }
        })
    }

    /// The rows that delete keys.
    fn deletions(&self) -> Result<RoaringTreemap, HistoryError> {
        let mut deletions = RoaringTreemap::new();
        for part in &self.partitions {
            for rows in Replay::of(&self.log, part.id(0).stream(), i64::MIN) {
                let rows = rows?;
                let rows = rows.ids.iter().zip(&rows.kinds);
                let deletes = rows.filter(|(_, kind)| **kind == RowKind::Delete as u8);
                deletions.extend(deletes.map(|(id, _)| *id));
            }
        }
        Ok(deletions)
    }
}
