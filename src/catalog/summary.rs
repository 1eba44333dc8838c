//! The last versions of a branch, and totals over all of them, for summaries and publication.

use std::collections::BTreeMap;

use driftmill_operators::Position;
use rusqlite::{Row, params};

use super::table::{optional, unsigned};
use super::trigger_evaluations::end;
use super::{Catalog, CatalogError};

/// A version as the catalog recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRecord {
    /// Its number: 1, 2, 3, …
    pub version: u64,
    /// The decision that led to it.
    pub trigger: u64,
    /// Samples in its training set.
    pub samples: u64,
    /// Of these, samples that it trained on, where that was only a part.
    pub trained_samples: Option<u64>,
    /// SHA-256 of the ids of its training set.
    pub ids_digest: String,
    /// SHA-256 of its weights.
    pub sha256: String,
    /// Loss of the training's last epoch, in nats.
    pub loss: Option<f64>,
    /// Duration of the training.
    pub seconds: f64,
}

/// Where a version took effect.
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

/// Sums over all decisions of a branch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BranchTotals {
    /// Decisions.
    pub triggers: u64,
    /// Versions.
    pub versions: u64,
    /// Samples that the versions trained on.
    pub samples: u64,
    /// Duration of all trainings.
    pub seconds: f64,
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
                seconds: row.get("seconds")?,
            })
        })?;
        last.reverse();
        Ok(last)
    }

    /// Where the versions of a branch took effect, in order.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn version_places(&self, branch: &str) -> Result<Vec<VersionPlace>, CatalogError> {
        let query = "SELECT o.version, d.trigger, d.time, d.sample, d.cut
                     FROM outcomes o INDEXED BY outcomes_by_version
                     JOIN decisions d ON d.branch = o.branch AND d.trigger = o.trigger
                     WHERE o.branch = ? AND o.version IS NOT NULL ORDER BY o.version";
        self.rows(query, [branch], |row| {
            Ok(VersionPlace {
                version: unsigned(row, "version")?,
                trigger: unsigned(row, "trigger")?,
                time: row.get("time")?,
                end: end(row)?,
            })
        })
    }

    /// Sums over all decisions of a branch.
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
                seconds: row.get("seconds")?,
            })
        };
        self.database.query_row(query, [branch], totals).map_err(CatalogError::database("reading"))
    }

    /// SHA-256 of the weights of all versions of a branch.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn digests(&self, branch: &str) -> Result<BTreeMap<u64, String>, CatalogError> {
        let query = "SELECT version, sha256 FROM outcomes
                     WHERE branch = ? AND version IS NOT NULL ORDER BY version";
        let digests =
            self.rows(query, [branch], |row| Ok((unsigned(row, "version")?, row.get("sha256")?)))?;
        Ok(digests.into_iter().collect())
    }

    /// The pipeline's own versions with weights that a sink does not have according to the outbox, by
    /// number, with SHA-256 of their descriptions.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn unpublished(&self, sink: &str) -> Result<BTreeMap<u64, String>, CatalogError> {
        let query = "SELECT version, description FROM outcomes
                     WHERE branch = '' AND version IS NOT NULL
                     AND version NOT IN (SELECT version FROM outbox WHERE sink = ?)
                     AND version NOT IN (SELECT version FROM expired_versions WHERE branch = '')";
        let missing = self
            .rows(query, [sink], |row| Ok((unsigned(row, "version")?, row.get("description")?)))?;
        Ok(missing.into_iter().collect())
    }
}
