//! The state from which a run resumes.

use std::collections::BTreeMap;

use driftmill_operators::Position;
use driftmill_operators::flow::{Decision, SelectionCheckpoints, TriggerCheckpoint};
use driftmill_operators::selection::Chosen;
use driftmill_operators::{Id, restore};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::checkpoints::{SelectionState, TriggerState};
use super::outcome_record::OutcomeRecord;
use super::table::{Record, optional, unsigned};
use super::trained::{TrainedSet, decision};
use super::trigger_evaluations::end;
use super::{Catalog, CatalogError};
use crate::evaluate::Prequential;

/// A decision as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The decision.
    pub decision: Decision,
    /// Number of samples in its training set.
    pub samples: u64,
    /// SHA-256 of their ids.
    pub ids_digest: String,
    /// The outcome, if there is one yet.
    pub outcome: Option<OutcomeRecord>,
}

/// A branch as it was recorded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BranchRecord {
    /// Its decisions, in order: all that are made again, and the earlier ones whose versions the evaluation
    /// or a shadow may need.
    pub decisions: Vec<DecisionRecord>,
    /// The checkpoint of its trigger policy; none if it was never recorded.
    pub checkpoint: Option<TriggerCheckpoint>,
    /// The state of its evaluation.
    pub evaluation: Option<Vec<u8>>,
    /// The checkpoints of its selection before the next decision.
    pub selection_checkpoints: SelectionCheckpoints,
}

impl BranchRecord {
    /// The number of the next decision, which may be one that is made again.
    pub fn next_trigger(&self) -> u64 {
        let next = |checkpoint: &TriggerCheckpoint| {
            checkpoint.open.as_ref().map_or(checkpoint.next_trigger, |open| open.trigger)
        };
        self.checkpoint.as_ref().map_or(0, next)
    }

    /// The first decision that the selection needs: the oldest of its checkpoints; without checkpoints, the
    /// last decision.
    fn oldest_selection(&self) -> u64 {
        let checkpoints = self.selection_checkpoints.partitions.values();
        let last = self.next_trigger().saturating_sub(1);
        checkpoints.map(|checkpoint| checkpoint.trigger).min().unwrap_or(last)
    }

    /// The decisions before the next one.
    pub fn past(&self) -> impl Iterator<Item = &DecisionRecord> {
        let next = self.next_trigger();
        self.decisions.iter().filter(move |record| record.decision.trigger < next)
    }

    /// The position of the trigger policy's checkpoint.
    pub fn reached(&self) -> Position {
        self.checkpoint.as_ref().map_or(Position::MIN, |checkpoint| checkpoint.at)
    }

    /// The first position that not all policies of the branch have observed.
    pub fn resume_at(&self, stream: u32) -> Position {
        let selection = self.selection_checkpoints.partitions.get(&stream);
        self.reached().min(selection.map_or(Position::MIN, |checkpoint| checkpoint.at))
    }

    /// The sums of the evaluation, and for each partition the position before which samples are scored.
    ///
    /// # Errors
    /// When the recorded state does not decode.
    pub fn scored(
        &self,
        branch: &str,
    ) -> Result<(Prequential, BTreeMap<u32, Position>), CatalogError> {
        let scored = self.evaluation.as_deref().map(restore).transpose();
        let failed = |error| CatalogError::checkpoint("trigger_checkpoints", branch, error);
        Ok(scored.map_err(failed)?.unwrap_or_default())
    }
}

/// The last decision of a branch before trigger `?2` that led to a version and is before time `?3`.
const LAST_VERSION_BEFORE: &str = "SELECT d.trigger FROM decisions d JOIN outcomes o
    ON o.branch = d.branch AND o.trigger = d.trigger
    WHERE d.branch = ?1 AND d.trigger < ?2 AND d.time < ?3 AND o.version IS NOT NULL
    ORDER BY d.trigger DESC LIMIT 1";

impl Catalog {
    /// The record of a branch. The record of a new branch is empty.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a row is damaged.
    pub fn branch(&self, branch: &str) -> Result<BranchRecord, CatalogError> {
        let TriggerState { policy, evaluation } = self.trigger_state(branch)?;
        let mut record = BranchRecord { checkpoint: policy, evaluation, ..BranchRecord::default() };
        let next = record.next_trigger();
        for SelectionState { stream, checkpoint } in self.selection_states(branch, next)? {
            record.selection_checkpoints.partitions.insert(stream, checkpoint);
        }
        record.selection_checkpoints.decisions = self.ends(branch, &record)?;
        let asked = self.asked(branch, &record)?;
        let from = self.database.query_row(
            LAST_VERSION_BEFORE,
            params![branch, next as i64, asked.time()],
            |row| row.get::<_, i64>("trigger"),
        );
        let from = from.optional().map_err(CatalogError::database("reading"))?;
        record.decisions = self.decisions_from(branch, from.unwrap_or(0))?;
        Ok(record)
    }

    /// The first position at which the evaluation of a branch, or a shadow, may need a version.
    fn asked(&self, branch: &str, record: &BranchRecord) -> Result<Position, CatalogError> {
        let (_, scored) = record.scored(branch)?;
        let mut asked = record.reached();
        for partition in self.partitions()? {
            let stream = partition.id(0).stream();
            asked = asked.min(scored.get(&stream).copied().unwrap_or(Position::MIN));
        }
        if branch.is_empty() {
            let shadows: Vec<TriggerState> = self.read("WHERE branch LIKE 'shadow/%'", [])?;
            for shadow in shadows.into_iter().filter_map(|shadow| shadow.policy) {
                asked = asked.min(shadow.at);
            }
        }
        Ok(asked)
    }

    /// For each partition, the newest state before decision `next`.
    fn selection_states(
        &self,
        branch: &str,
        next: u64,
    ) -> Result<Vec<SelectionState>, CatalogError> {
        let rest = "WHERE branch = ?1 AND trigger = (
                        SELECT max(trigger) FROM selection_checkpoints newest
                        WHERE newest.branch = ?1 AND newest.trigger < ?2
                        AND newest.stream = selection_checkpoints.stream)";
        self.read(rest, params![branch, next as i64])
    }

    /// Numbers and ends of the decisions that the selection needs. Only their positions are read.
    fn ends(
        &self,
        branch: &str,
        record: &BranchRecord,
    ) -> Result<Vec<(u64, Position)>, CatalogError> {
        let query = "SELECT trigger, time, sample, cut FROM decisions
                     WHERE branch = ? AND trigger >= ? AND trigger < ? ORDER BY trigger";
        let (first, next) = (record.oldest_selection() as i64, record.next_trigger() as i64);
        self.rows(query, params![branch, first, next], |row| {
            Ok((unsigned(row, "trigger")?, end(row)?))
        })
    }

    /// The choices for the decisions of a branch that are missing in the state of its selection.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn chosen(&self, branch: &str, record: &BranchRecord) -> Result<Vec<Chosen>, CatalogError> {
        let rest = "WHERE branch = ? AND trigger >= ? AND trigger < ? ORDER BY trigger";
        let (first, next) = (record.oldest_selection() as i64, record.next_trigger() as i64);
        let mut chosen = Vec::new();
        self.read_each(rest, params![branch, first, next], |set: TrainedSet| {
            let ids = set.ids.into_iter().map(Id).collect();
            chosen.push(Chosen { trigger: set.decision.trigger, round: set.round, ids });
        })?;
        Ok(chosen)
    }

    /// The outcome of a decision, if there is one yet.
    pub(super) fn outcome_of(
        &self,
        branch: &str,
        trigger: u64,
    ) -> Result<Option<OutcomeRecord>, CatalogError> {
        Ok(self.read("WHERE branch = ? AND trigger = ?", params![branch, trigger as i64])?.pop())
    }

    /// The decisions of a branch from `trigger` on, compared with their checksums.
    fn decisions_from(
        &self,
        branch: &str,
        trigger: i64,
    ) -> Result<Vec<DecisionRecord>, CatalogError> {
        let rest = "WHERE branch = ? AND trigger >= ? ORDER BY trigger";
        let mut records = Vec::new();
        self.read_each(rest, params![branch, trigger], |set: TrainedSet| {
            let samples = set.ids.len();
            let TrainedSet { decision, ids_digest, .. } = set;
            records.push(DecisionRecord { decision, samples, ids_digest, outcome: None });
        })?;
        for record in &mut records {
            record.outcome = self.outcome_of(branch, record.decision.trigger)?;
        }
        Ok(records)
    }

    /// The last `limit` decisions of a branch, in order.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn decisions(
        &self,
        branch: &str,
        limit: Option<u64>,
    ) -> Result<Vec<DecisionRecord>, CatalogError> {
        let query = "SELECT d.trigger, d.time, d.sample, d.cut, d.decisions_before, d.policy,
                            d.reason, d.score, d.threshold, d.samples, d.ids_digest,
                            o.trigger AS outcome, o.version, o.sha256, o.seconds, o.error,
                            o.description
                     FROM decisions d LEFT JOIN outcomes o USING (branch, trigger)
                     WHERE d.branch = ? ORDER BY d.trigger DESC LIMIT ?";
        let limit = limit.map_or(-1, u64::cast_signed);
        let mut last = self.rows(query, params![branch, limit], |row| {
            let outcome = optional(row, "outcome")?;
            Ok(DecisionRecord {
                decision: decision(row)?,
                samples: unsigned(row, "samples")?,
                ids_digest: row.get("ids_digest")?,
                outcome: outcome.map(|_| OutcomeRecord::from_row(row)).transpose()?,
            })
        })?;
        last.reverse();
        Ok(last)
    }
}
