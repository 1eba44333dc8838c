use driftmill_operators::{Change, Id, Kind, Position};
use roaring::RoaringTreemap;
use serde::Serialize;

use super::replay::Shown;
use super::{History, HistoryError};
use crate::retention::TakenBack;
use crate::store::RowKind;

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is there.
    There,
    /// Another sample has its key.
    Replaced,
    /// Its key was deleted.
    Deleted,
    /// Retention removed it from the log.
    Removed,
}

/// The samples of a run that are gone.
#[derive(Clone, Debug, Default)]
pub struct Fates {
    /// Those that other samples replaced.
    pub replaced: RoaringTreemap,
    /// Those that were deleted.
    pub deleted: RoaringTreemap,
    /// Of all samples, gone or not, those that are no longer in the log.
    pub removed: RoaringTreemap,
}

impl Fates {
    /// What became of sample `id`.
    pub fn of(&self, id: Id) -> Fate {
        match (self.deleted.contains(id.0), self.replaced.contains(id.0)) {
            (true, _) => Fate::Deleted,
            (_, true) => Fate::Replaced,
            _ if self.removed.contains(id.0) => Fate::Removed,
            _ => Fate::There,
        }
    }
}

/// Samples that are gone, each with the row that took it back.
type Gone = Vec<(Id, Id)>;

impl History {
    /// What became of all samples, or of those that have `key`.
    ///
    /// # Errors
    /// When the log is not what was written.
    pub fn fates(&self, key: Option<u128>) -> Result<Fates, HistoryError> {
        let mut fates = Fates::default();
        self.catalog.removed(|segment| {
            fates.replaced |= segment.replaced;
            fates.deleted |= segment.deleted;
            fates.removed |= segment.contents.samples;
        })?;
        let gone = self.gone(Shown { key, ..Shown::ALL })?;
        if gone.is_empty() {
            return Ok(fates);
        }
        // a sample that replaces may wait for its label, and is not seen where it came: what took
        // the old one back says how.
        let deletions = self.deletions()?;
        for (gone, by) in gone {
            match deletions.contains(by.0) {
                true => fates.deleted.insert(gone.0),
                false => fates.replaced.insert(gone.0),
            };
        }
        Ok(fates)
    }

    /// The samples in the log that were taken back before `until`, for retention.
    ///
    /// # Errors
    /// When the log is not what was written.
    pub fn taken_back(&self, until: Position) -> Result<TakenBack, HistoryError> {
        let by = self.gone(Shown { until, ..Shown::ALL })?;
        let deletions = self.deletions()?;
        let deleted = by.iter().filter(|(_, by)| deletions.contains(by.0));
        let deleted = deleted.map(|(gone, _)| gone.0).collect();
        Ok(TakenBack { by, deleted })
    }

    /// The samples that were taken back, each with the row that did it.
    fn gone(&self, shown: Shown) -> Result<Gone, HistoryError> {
        if self.pipeline.source.keyed().is_none() {
            return Ok(Gone::new());
        }
        self.replay(shown, Gone::new(), |gone, change: &Change| {
            if change.kind == Kind::Retract {
                gone.push((change.record.id(), change.at.id()));
            }
        })
    }

    /// The rows that delete keys.
    fn deletions(&self) -> Result<RoaringTreemap, HistoryError> {
        let mut deletions = RoaringTreemap::new();
        for part in &self.partitions {
            for rows in self.log.replay(part.id(0).stream(), i64::MIN) {
                let rows = rows?;
                let rows = rows.ids.iter().zip(&rows.kinds);
                let deletes = rows.filter(|(_, kind)| **kind == RowKind::Delete as u8);
                deletions.extend(deletes.map(|(id, _)| *id));
            }
        }
        Ok(deletions)
    }
}
