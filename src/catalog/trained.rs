//! Training sets with their decisions and versions.

use std::collections::{BTreeMap, BTreeSet};

use driftmill_operators::Id;
use driftmill_operators::flow::Decision;
use driftmill_operators::trigger::Reason;
use roaring::RoaringTreemap;
use rusqlite::{Params, Row, params};

use super::blocks::block_of;
use super::expired::bitmap_of;
use super::outcome_record::OutcomeRecord;
use super::table::{DECISIONS, Record, Table, optional, undecodable, unsigned};
use super::trigger_evaluations::{cut, position};
use super::{Catalog, CatalogError, irreducible_key};

/// The training set of a decision, and the resulting version.
#[derive(Clone, Debug)]
pub struct TrainedSet {
    /// Empty for the pipeline's own branch, else the name of the comparison.
    pub branch: String,
    /// The version, if there is one.
    pub version: Option<u64>,
    /// The decision.
    pub decision: Decision,
    /// The version that was active before the decision.
    pub parent: Option<u64>,
    /// SHA-256 of the version's weights.
    pub sha256: Option<String>,
    /// Number of samples from which the selection could choose.
    pub candidates: u64,
    /// Number of chosen samples of each class.
    pub labels: BTreeMap<u32, u64>,
    /// Sum of their weights.
    pub weight: f64,
    /// The selection's round.
    pub round: u64,
    /// The samples.
    pub ids: RoaringTreemap,
    /// SHA-256 of their ids.
    pub ids_digest: String,
    /// Duration of the selection.
    pub seconds: f64,
    /// Seed of the training.
    pub seed: u64,
}

impl Record for TrainedSet {
    const TABLE: &'static Table = &DECISIONS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let labels: String = row.get("labels")?;
        let labels =
            serde_json::from_str(&labels).map_err(|error| undecodable(row, "labels", error))?;
        Ok(Self {
            branch: row.get("branch")?,
            version: None,
            decision: decision(row)?,
            parent: optional(row, "model")?,
            sha256: None,
            candidates: unsigned(row, "candidates")?,
            labels,
            weight: row.get("weight")?,
            round: unsigned(row, "round")?,
            ids: bitmap_of(row, "ids")?,
            ids_digest: row.get("ids_digest")?,
            seconds: row.get("seconds")?,
            seed: unsigned(row, "seed")?,
        })
    }
}

/// Reads the decision in a row of `decisions`.
pub(super) fn decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    Ok(Decision {
        trigger: unsigned(row, "trigger")?,
        position: position(row)?,
        cut: cut(row)?,
        decisions_before: row.get("decisions_before")?,
        reason: Reason {
            policy: row.get("policy")?,
            text: row.get("reason")?,
            score: row.get("score")?,
            threshold: row.get("threshold")?,
        },
    })
}

/// The decision that led to a version.
const OF_VERSION: &str = "WHERE (branch, trigger) IN (
    SELECT branch, trigger FROM outcomes INDEXED BY outcomes_by_version
    WHERE branch = ? AND version = ?)";

impl Catalog {
    /// Visits the training set of every decision, branch after branch, oldest first. They are read one at a
    /// time, because all together can be large.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn trained(&self, each: impl FnMut(TrainedSet)) -> Result<(), CatalogError> {
        self.sets("ORDER BY branch, trigger", [], each)
    }

    /// The training set of a decision, if there is one.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a row is damaged.
    pub fn training_set(
        &self,
        branch: &str,
        trigger: u64,
    ) -> Result<Option<TrainedSet>, CatalogError> {
        self.set("WHERE branch = ? AND trigger = ?", branch, trigger)
    }

    /// The training set of a version, if there is one.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn training_set_of_version(
        &self,
        branch: &str,
        version: u64,
    ) -> Result<Option<TrainedSet>, CatalogError> {
        self.set(OF_VERSION, branch, version)
    }

    /// The training set that the clause `rest` finds by a branch and a number.
    fn set(
        &self,
        rest: &str,
        branch: &str,
        number: u64,
    ) -> Result<Option<TrainedSet>, CatalogError> {
        let mut found = None;
        self.sets(rest, params![branch, number as i64], |set| found = Some(set))?;
        Ok(found)
    }

    /// Visits every training set with one of these samples, branch after branch, oldest first. Only the
    /// sets of the samples' blocks are read.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn trained_on(
        &self,
        ids: &[Id],
        mut each: impl FnMut(TrainedSet),
    ) -> Result<(), CatalogError> {
        let blocks: BTreeSet<i64> = ids.iter().map(|id| block_of(id.0)).collect();
        let mut decisions = BTreeSet::new();
        for block in blocks {
            let query = "SELECT branch, trigger FROM training_set_blocks WHERE block = ?";
            decisions.extend(self.rows(query, [block], |row| {
                Ok((row.get::<_, String>("branch")?, unsigned(row, "trigger")?))
            })?);
        }
        for (branch, trigger) in decisions {
            let set = self.training_set(&branch, trigger)?;
            set.filter(|set| ids.iter().any(|id| set.ids.contains(id.0))).map(&mut each);
        }
        Ok(())
    }

    /// The number of the newest version of a branch.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn last_version(&self, branch: &str) -> Result<Option<u64>, CatalogError> {
        let query = "SELECT version FROM outcomes INDEXED BY outcomes_by_version
                     WHERE branch = ? AND version IS NOT NULL ORDER BY version DESC LIMIT 1";
        Ok(self.rows(query, [branch], |row| unsigned(row, "version"))?.pop())
    }

    /// The versions of irreducible-loss models that were trained for a decision of a branch, with the
    /// names of the models' branches.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn irreducible_versions(
        &self,
        branch: &str,
        trigger: u64,
    ) -> Result<Vec<(String, u64)>, CatalogError> {
        let mut versions = Vec::new();
        for number in 1.. {
            let model = irreducible_key(branch, number);
            if self.last_version(&model)?.is_none() {
                break;
            }
            let outcome = self.outcome_of(&model, trigger)?;
            versions.extend(outcome.and_then(|it| it.version).map(|version| (model, version)));
        }
        Ok(versions)
    }

    /// Visits training sets with their outcomes.
    fn sets(
        &self,
        rest: &str,
        params: impl Params,
        mut each: impl FnMut(TrainedSet),
    ) -> Result<(), CatalogError> {
        let mut failed = None;
        self.read_each(rest, params, |set: TrainedSet| {
            if failed.is_some() {
                return;
            }
            match self.outcome_of(&set.branch, set.decision.trigger) {
                Ok(outcome) => {
                    let outcome = outcome.unwrap_or_else(OutcomeRecord::unknown);
                    let OutcomeRecord { version, sha256, .. } = outcome;
                    each(TrainedSet { version, sha256, ..set });
                }
                Err(error) => failed = Some(error),
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// The samples of all training sets whose decisions have no outcome yet. A branch makes no decision
    /// before the outcome of the last one, so these are newer than all outcomes of their branch.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn in_training(&self) -> Result<RoaringTreemap, CatalogError> {
        let mut all = RoaringTreemap::new();
        let rest = "WHERE branch = ?1 AND trigger > (
                    SELECT ifnull(max(trigger), -1) FROM outcomes WHERE branch = ?1)";
        for branch in self.distinct("branch", "decisions")? {
            self.read_each(rest, [branch], |set: TrainedSet| all |= set.ids)?;
        }
        Ok(all)
    }
}
