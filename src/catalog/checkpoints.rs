//! Where policies stand between decisions, and what they saw until then.

use driftmill_operators::Snapshot;
use driftmill_operators::flow::{ShadowDecision, TriggerCheckpoint, TriggerEvaluation};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::database::insert_lengths;
use super::resume::parsed;
use super::trigger_evaluations::{insert_shadow_decisions, insert_trigger_evaluations};
use super::{Catalog, CatalogError};
use crate::store::SegmentLength;

/// What is recorded of a policy between decisions.
#[derive(Debug)]
pub struct PolicyEntry<'a> {
    /// Its branch, or `shadow/` and the name of a shadow.
    pub policy: &'a str,
    /// Where it stands, if that changed.
    pub standing: Option<&'a TriggerCheckpoint>,
    /// How far the evaluation of its branch is.
    pub evaluation: Option<Vec<u8>>,
    /// What it saw until then, or further on.
    pub looks: &'a [TriggerEvaluation],
    /// Where a shadow fired until then, or further on.
    pub fired: &'a [ShadowDecision],
}

impl<'a> PolicyEntry<'a> {
    /// An entry of a policy that says nothing yet.
    pub fn of(policy: &'a str) -> Self {
        Self { policy, standing: None, evaluation: None, looks: &[], fired: &[] }
    }
}

/// A shadow policy as it was recorded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ShadowRecord {
    /// Where it stands; none if that was never recorded.
    pub standing: Option<TriggerCheckpoint>,
    /// Where it fired, in order.
    pub fired: Vec<ShadowDecision>,
}

impl Catalog {
    /// Records how much of the log is durable, and what policies did that saw no more than that.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn observed(
        &mut self,
        durable: &[SegmentLength],
        entries: &[PolicyEntry<'_>],
    ) -> Result<(), CatalogError> {
        self.commit("recording what was read in", |transaction| {
            insert_lengths(transaction, durable)?;
            for entry in entries {
                if let Some(standing) = entry.standing {
                    insert_trigger_checkpoint(transaction, entry.policy, standing)?;
                }
                if let Some(evaluation) = &entry.evaluation {
                    insert_evaluation(transaction, entry.policy, evaluation)?;
                }
                insert_trigger_evaluations(transaction, entry.policy, entry.looks)?;
                insert_shadow_decisions(transaction, entry.policy, entry.fired)?;
            }
            Ok(())
        })
    }

    /// Where the policy and the evaluation of a branch stand, as far as that is known.
    pub(super) fn standing(
        &self,
        branch: &str,
    ) -> Result<(Option<TriggerCheckpoint>, Option<Vec<u8>>), CatalogError> {
        let query = "SELECT policy, evaluation FROM trigger_checkpoints WHERE branch = ?";
        let states = |row: &Row<'_>| Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get(1)?));
        let states = self.database.query_row(query, [branch], states).optional();
        let (policy, evaluation) =
            states.map_err(CatalogError::database("reading"))?.unwrap_or_default();
        Ok((policy.map(|policy| parsed(&policy)).transpose()?, evaluation))
    }

    /// Forgets where all other shadows stand; what they saw and where they fired stays known.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn keep_shadows(&mut self, policies: &[String]) -> Result<(), CatalogError> {
        let query = "SELECT branch FROM trigger_checkpoints WHERE branch LIKE 'shadow/%'";
        let mut gone = self.rows(query, [], |row| row.get::<_, String>(0))?;
        gone.retain(|policy| !policies.contains(policy));
        if gone.is_empty() {
            return Ok(());
        }
        self.commit("forgetting shadows in", |transaction| {
            let delete = "DELETE FROM trigger_checkpoints WHERE branch = ?";
            gone.iter().try_for_each(|policy| transaction.execute(delete, [policy]).map(drop))
        })
    }

    /// Where a shadow policy stands; one that was never heard of has seen nothing.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a state is not one.
    pub fn shadow(&self, policy: &str) -> Result<ShadowRecord, CatalogError> {
        let (standing, _) = self.standing(policy)?;
        Ok(ShadowRecord { standing, fired: self.fired(policy)? })
    }
}

pub(super) fn insert_trigger_checkpoint(
    transaction: &Transaction<'_>,
    branch: &str,
    standing: &TriggerCheckpoint,
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO trigger_checkpoints (branch, policy) VALUES (?, ?)
         ON CONFLICT (branch) DO UPDATE SET policy = excluded.policy",
    )?;
    insert.execute(params![branch, standing.save()]).map(|_| ())
}

pub(super) fn insert_evaluation(
    transaction: &Transaction<'_>,
    branch: &str,
    evaluation: &[u8],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO trigger_checkpoints (branch, evaluation) VALUES (?, ?)
         ON CONFLICT (branch) DO UPDATE SET evaluation = excluded.evaluation",
    )?;
    insert.execute(params![branch, evaluation]).map(|_| ())
}
