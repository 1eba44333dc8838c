//! The versions of a branch, and totals of all versions.

use std::ops::ControlFlow;

use driftmill_operators::Position;
use rusqlite::{Row, params};
use serde::Serialize;

use super::table::{optional, unsigned};
use super::trigger_evaluations::end;
use super::{Catalog, CatalogError};

/// The record of a version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionRecord {
    /// Its number: 1, 2, 3, …
    pub version: u64,
    /// The decision that led to it.
    pub trigger: u64,
    /// Number of samples in its training set.
    pub samples: u64,
    /// Number of samples that it trained on, if they are only a part of the training set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_samples: Option<u64>,
    /// SHA-256 of the ids of its training set.
    pub ids_digest: String,
    /// SHA-256 of its weights.
    pub sha256: String,
    /// Loss of the training's last epoch, in nats.
    pub loss: Option<f64>,
    /// Duration of the training.
    pub training_seconds: f64,
}

/// The position at which a version took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionPlace {
    /// Its number.
    pub version: u64,
    /// The decision that led to it.
    pub trigger: u64,
    /// Position time of its decision.
    pub time: i64,
    /// The first position at which it was active.
    pub end: Position,
}

/// Totals of all decisions of a branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct BranchTotals {
    /// Number of decisions.
    pub triggers: u64,
    /// Number of versions.
    pub versions: u64,
    /// Number of samples that the versions trained on.
    pub samples: u64,
    /// Duration of all trainings, which differs from run to run.
    #[serde(skip)]
    pub training_seconds: f64,
}

impl Catalog {
    /// The last `limit` versions of a branch, in order.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn versions(
        &self,
        branch: &str,
        limit: Option<u64>,
    ) -> Result<Vec<VersionRecord>, CatalogError> {
        let query = "SELECT o.version, o.trigger, d.samples, d.ids_digest, o.sha256, o.loss,
                            o.seconds, json_extract(t.summary, '$.samples') AS trained_samples
                     FROM outcomes o INDEXED BY outcomes_by_version
                     JOIN decisions d ON d.branch = o.branch AND d.trigger = o.trigger
                     LEFT JOIN trained_samples t ON t.branch = o.branch AND t.trigger = o.trigger
                     WHERE o.branch = ? AND o.version IS NOT NULL
                     ORDER BY o.version DESC LIMIT ?";
        let limit = limit.map_or(-1, u64::cast_signed);
        let mut last = self.rows(query, params![branch, limit], |row| {
            Ok(VersionRecord {
                version: unsigned(row, "version")?,
                trigger: unsigned(row, "trigger")?,
                samples: unsigned(row, "samples")?,
                trained_samples: optional(row, "trained_samples")?,
                ids_digest: row.get("ids_digest")?,
                sha256: row.get("sha256")?,
                loss: row.get("loss")?,
                training_seconds: row.get("seconds")?,
            })
        })?;
        last.reverse();
        Ok(last)
    }

    /// Visits the positions at which the versions of a branch took effect, the newest first, without the
    /// newest `skip`, until `each` breaks.
    ///
    /// # Errors
    /// When SQLite cannot read them, or `each` fails.
    pub fn version_places(
        &self,
        branch: &str,
        skip: u64,
        mut each: impl FnMut(VersionPlace) -> Result<ControlFlow<()>, CatalogError>,
    ) -> Result<(), CatalogError> {
        let query = "SELECT o.version, d.trigger, d.time, d.sample, d.cut
                     FROM outcomes o INDEXED BY outcomes_by_version
                     JOIN decisions d ON d.branch = o.branch AND d.trigger = o.trigger
                     WHERE o.branch = ? AND o.version IS NOT NULL
                     ORDER BY o.version DESC LIMIT -1 OFFSET ?";
        let failed = || CatalogError::database("reading");
        let mut statement = self.database.prepare_cached(query).map_err(failed())?;
        let found = params![branch, i64::try_from(skip).unwrap_or(i64::MAX)];
        let mut rows = statement.query(found).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            if each(version_place(row).map_err(failed())?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Totals of all decisions of a branch.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn totals(&self, branch: &str) -> Result<BranchTotals, CatalogError> {
        let query = "SELECT count(*) AS triggers, count(o.version) AS versions,
                            ifnull(sum(o.seconds) FILTER (WHERE o.version IS NOT NULL), 0.0) AS seconds,
                            ifnull(sum(ifnull(json_extract(t.summary, '$.samples'), d.samples))
                                FILTER (WHERE o.version IS NOT NULL), 0) AS samples
                     FROM decisions d LEFT JOIN outcomes o USING (branch, trigger)
                     LEFT JOIN trained_samples t USING (branch, trigger) WHERE d.branch = ?";
        let totals = |row: &Row<'_>| {
            Ok(BranchTotals {
                triggers: unsigned(row, "triggers")?,
                versions: unsigned(row, "versions")?,
                samples: unsigned(row, "samples")?,
                training_seconds: row.get("seconds")?,
            })
        };
        self.database.query_row(query, [branch], totals).map_err(CatalogError::database("reading"))
    }

    /// SHA-256 of the weights of a version of a branch, if there is such a version.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn digest(&self, branch: &str, version: u64) -> Result<Option<String>, CatalogError> {
        let query = "SELECT sha256 FROM outcomes INDEXED BY outcomes_by_version
                     WHERE branch = ? AND version = ?";
        Ok(self.rows(query, params![branch, version as i64], |row| row.get("sha256"))?.pop())
    }
}

fn version_place(row: &Row<'_>) -> rusqlite::Result<VersionPlace> {
    Ok(VersionPlace {
        version: unsigned(row, "version")?,
        trigger: unsigned(row, "trigger")?,
        time: row.get("time")?,
        end: end(row)?,
    })
}
