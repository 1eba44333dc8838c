//! Checkpoints of policies between decisions, with their evaluations since the last commit.

use driftmill_operators::flow::{
    SelectionCheckpoint, ShadowDecision, TriggerCheckpoint, TriggerEvaluation,
};
use driftmill_operators::{Snapshot, restore};
use rusqlite::{Row, Transaction, named_params, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::run_record::insert_lengths;
use super::table::{Record, SELECTION_CHECKPOINTS, TRIGGER_CHECKPOINTS, Table, undecodable};
use super::trigger_evaluations::{insert_shadow_decisions, insert_trigger_evaluations};
use super::{Catalog, CatalogError};
use crate::store::SegmentLength;

/// The version of the states of policies and evaluations. A change that makes earlier states undecodable
/// must increase it and add a migration of the catalog.
pub(super) const STATE_VERSION: i64 = 1;

/// The entry of a policy in a commit between decisions.
#[derive(Debug)]
pub struct PolicyEntry<'a> {
    /// Its branch, or `shadow/` and the name of a shadow.
    pub policy: &'a str,
    /// Its checkpoint, if there is a new one.
    pub checkpoint: Option<&'a TriggerCheckpoint>,
    /// The state of the evaluation of its branch.
    pub evaluation: Option<Vec<u8>>,
    /// Its trigger evaluations since the last commit.
    pub trigger_evaluations: &'a [TriggerEvaluation],
    /// The decisions of a shadow since the last commit.
    pub shadow_decisions: &'a [ShadowDecision],
}

impl<'a> PolicyEntry<'a> {
    /// An empty entry of a policy.
    pub fn of(policy: &'a str) -> Self {
        Self {
            policy,
            checkpoint: None,
            evaluation: None,
            trigger_evaluations: &[],
            shadow_decisions: &[],
        }
    }
}

/// A shadow policy as it was recorded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ShadowRecord {
    /// Its checkpoint; none for a new shadow.
    pub checkpoint: Option<TriggerCheckpoint>,
    /// The number of its next decision.
    pub next_decision: u64,
}

/// A row of `trigger_checkpoints`.
#[derive(Default)]
pub(super) struct TriggerState {
    pub(super) policy: Option<TriggerCheckpoint>,
    pub(super) evaluation: Option<Vec<u8>>,
}

impl Record for TriggerState {
    const TABLE: &'static Table = &TRIGGER_CHECKPOINTS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        check_version(row)?;
        let policy: Option<Vec<u8>> = row.get("policy")?;
        let policy = policy.map(|state| decoded(row, "policy", &state)).transpose()?;
        Ok(Self { policy, evaluation: row.get("evaluation")? })
    }
}

/// A row of `selection_checkpoints`.
pub(super) struct SelectionState {
    pub(super) stream: u32,
    pub(super) checkpoint: SelectionCheckpoint,
}

impl Record for SelectionState {
    const TABLE: &'static Table = &SELECTION_CHECKPOINTS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        check_version(row)?;
        let state: Vec<u8> = row.get("state")?;
        let checkpoint = decoded(row, "state", &state)?;
        Ok(Self { stream: row.get("stream")?, checkpoint })
    }
}

/// Rejects states of another version.
fn check_version(row: &Row<'_>) -> rusqlite::Result<()> {
    let version: i64 = row.get("state_version")?;
    if version == STATE_VERSION {
        return Ok(());
    }
    let text = format!("the state has version {version}, this program supports {STATE_VERSION}");
    Err(undecodable(row, "state_version", text))
}

fn decoded<T: DeserializeOwned>(row: &Row<'_>, column: &str, state: &[u8]) -> rusqlite::Result<T> {
    restore(state).map_err(|error| undecodable(row, column, error))
}

impl Catalog {
    /// Records the durable length of the log, and entries of policies that observed no changes beyond it.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn record_progress(
        &mut self,
        durable: &[SegmentLength],
        entries: &[PolicyEntry<'_>],
    ) -> Result<(), CatalogError> {
        self.commit("recording progress in", |transaction| {
            insert_lengths(transaction, durable)?;
            for entry in entries {
                if let Some(checkpoint) = entry.checkpoint {
                    insert_trigger_checkpoint(transaction, entry.policy, checkpoint)?;
                }
                if let Some(evaluation) = &entry.evaluation {
                    insert_evaluation(transaction, entry.policy, evaluation)?;
                }
                insert_trigger_evaluations(transaction, entry.policy, entry.trigger_evaluations)?;
                insert_shadow_decisions(transaction, entry.policy, entry.shadow_decisions)?;
            }
            Ok(())
        })
    }

    /// The recorded checkpoint of a branch's trigger policy, and the state of its evaluation.
    pub(super) fn trigger_state(&self, branch: &str) -> Result<TriggerState, CatalogError> {
        Ok(self.read("WHERE branch = ?", [branch])?.pop().unwrap_or_default())
    }

    /// Removes the checkpoints of all other shadows. Their evaluations and decisions stay recorded.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn keep_shadows(&mut self, policies: &[String]) -> Result<(), CatalogError> {
        let query = "SELECT branch FROM trigger_checkpoints WHERE branch LIKE 'shadow/%'";
        let mut others = self.rows(query, [], |row| row.get::<_, String>("branch"))?;
        others.retain(|policy| !policies.contains(policy));
        if others.is_empty() {
            return Ok(());
        }
        self.commit("removing shadows from", |transaction| {
            let delete = "DELETE FROM trigger_checkpoints WHERE branch = ?";
            others.iter().try_for_each(|policy| transaction.execute(delete, [policy]).map(drop))
        })
    }

    /// A shadow policy as it was recorded. The record of a new one is empty.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a row is damaged.
    pub fn shadow(&self, policy: &str) -> Result<ShadowRecord, CatalogError> {
        let checkpoint = self.trigger_state(policy)?.policy;
        let next = "SELECT ifnull(max(number) + 1, 0) FROM shadow_decisions WHERE policy = ?";
        let next: i64 = self
            .database
            .query_row(next, [policy], |row| row.get(0))
            .map_err(CatalogError::database("reading"))?;
        Ok(ShadowRecord { checkpoint, next_decision: next.cast_unsigned() })
    }
}

pub(super) fn insert_trigger_checkpoint(
    transaction: &Transaction<'_>,
    branch: &str,
    checkpoint: &TriggerCheckpoint,
) -> rusqlite::Result<()> {
    record_state(transaction, branch, "policy", &checkpoint.save())
}

pub(super) fn insert_evaluation(
    transaction: &Transaction<'_>,
    branch: &str,
    evaluation: &[u8],
) -> rusqlite::Result<()> {
    record_state(transaction, branch, "evaluation", evaluation)
}

/// Records one of the two states of a branch in its column.
fn record_state(
    transaction: &Transaction<'_>,
    branch: &str,
    column: &str,
    state: &[u8],
) -> rusqlite::Result<()> {
    let insert = format!(
        "INSERT INTO trigger_checkpoints (branch, {column}, state_version) VALUES (?, ?, ?)
         ON CONFLICT (branch) DO UPDATE
         SET {column} = excluded.{column}, state_version = excluded.state_version"
    );
    transaction.prepare_cached(&insert)?.execute(params![branch, state, STATE_VERSION])?;
    let seal = TRIGGER_CHECKPOINTS.seal("branch = :branch");
    transaction.prepare_cached(&seal)?.execute(named_params! {":branch": branch}).map(drop)
}
