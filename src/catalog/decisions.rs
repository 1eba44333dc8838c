//! Records of decisions and their outcomes.

use std::collections::BTreeMap;

use driftmill_operators::Snapshot;
use driftmill_operators::downsampling::Kept;
use driftmill_operators::flow::{Decision, TriggerCheckpoint, TriggerEvaluation};
use driftmill_operators::selection::TrainingSet;
use roaring::RoaringTreemap;
use rusqlite::{Transaction, named_params, params};

use super::blocks::insert_blocks;
use super::checkpoints::{STATE_VERSION, insert_evaluation, insert_trigger_checkpoint};
use super::database::digest;
use super::expired::bitmap;
use super::run_record::insert_lengths;
use super::table::{DECISIONS, OUTCOMES, SELECTION_CHECKPOINTS};
use super::trained_samples::{TrainedSamples, insert_trained_samples};
use super::trigger_evaluations::{cut_name, insert_trigger_evaluations};
use super::{Catalog, CatalogError};
use crate::store::SegmentLength;

/// A decision to train.
#[derive(Clone, Copy, Debug)]
pub struct NewDecision<'a> {
    /// Name of the branch in the catalog: empty for the pipeline's own, else that of the comparison or
    /// of the irreducible-loss model.
    pub branch: &'a str,
    /// The decision and its training set.
    pub set: &'a TrainingSet,
    /// Seed of the training.
    pub seed: u64,
    /// The active version.
    pub model: Option<u64>,
}

/// A decision with everything that is recorded in its transaction.
#[derive(Clone, Debug)]
pub struct DecisionEntry<'a> {
    /// The decision.
    pub decision: NewDecision<'a>,
    /// Durable length of each segment. The decision does not depend on data beyond it.
    pub durable: &'a [SegmentLength],
    /// Checkpoint of the trigger policy.
    pub checkpoint: &'a TriggerCheckpoint,
    /// Its evaluations since the last commit.
    pub trigger_evaluations: &'a [TriggerEvaluation],
}

/// A new version, for the outcome of its decision.
#[derive(Clone, Copy, Debug)]
pub struct NewVersion<'a> {
    /// Its number.
    pub version: u64,
    /// SHA-256 of its weights.
    pub sha256: &'a str,
    /// SHA-256 of its description.
    pub description: &'a str,
    /// Loss of the last epoch.
    pub loss: Option<f64>,
    /// The samples it trained on, if they are a part of its training set.
    pub trained_samples: Option<(&'a TrainedSamples, &'a [Kept])>,
}

/// The reason why a training produced no version.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The error; none if the training set was empty.
    pub error: Option<&'a str>,
}

/// The outcome of a decision with everything that is recorded in its transaction.
#[derive(Clone, Debug)]
pub struct OutcomeEntry<'a> {
    /// Name of the branch: empty for the pipeline's own, else that of the comparison.
    pub branch: &'a str,
    /// The decision.
    pub trigger: u64,
    /// The version, or the reason why there is none.
    pub outcome: Result<NewVersion<'a>, Failed<'a>>,
    /// Duration of the training.
    pub seconds: f64,
    /// State of the branch's evaluation.
    pub evaluation: &'a [u8],
    /// Irreducible-loss models that were trained for it.
    pub irreducible: &'a [IrreducibleOutcome<'a>],
}

/// An irreducible-loss model that was trained for another training.
#[derive(Clone, Debug)]
pub struct IrreducibleOutcome<'a> {
    /// The decision, which is that of the other training, with its own training set.
    pub decision: NewDecision<'a>,
    /// Its new version.
    pub version: NewVersion<'a>,
    /// Duration of the training.
    pub seconds: f64,
}

impl Catalog {
    /// Records a decision before its training starts, together with the durable length of the log and the
    /// checkpoints of its branch's policies.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn record_decision(&mut self, entry: &DecisionEntry<'_>) -> Result<(), CatalogError> {
        let branch = entry.decision.branch;
        self.commit("recording a decision in", |transaction| {
            insert_lengths(transaction, entry.durable)?;
            insert_decision(transaction, &entry.decision)?;
            insert_trigger_checkpoint(transaction, branch, entry.checkpoint)?;
            insert_trigger_evaluations(transaction, branch, entry.trigger_evaluations)?;
            insert_selection_checkpoints(transaction, &entry.decision)
        })
    }

    /// Counts another training of a recorded decision. Returns the number of trainings.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn attempt(&mut self, branch: &str, trigger: u64) -> Result<u64, CatalogError> {
        let decision = params![branch, trigger as i64];
        let mut attempts = 0;
        self.commit("recording an attempt in", |transaction| {
            let update = "UPDATE decisions SET attempts = attempts + 1
                          WHERE branch = ? AND trigger = ? RETURNING attempts";
            attempts = transaction.query_row(update, decision, |row| row.get("attempts"))?;
            transaction.execute(&DECISIONS.seal("branch = ? AND trigger = ?"), decision).map(drop)
        })?;
        Ok(i64::cast_unsigned(attempts))
    }

    /// Records the state of a branch's evaluation.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn record_evaluation(
        &mut self,
        branch: &str,
        evaluation: &[u8],
    ) -> Result<(), CatalogError> {
        self.commit("recording an evaluation in", |transaction| {
            insert_evaluation(transaction, branch, evaluation)
        })
    }

    /// Records the outcome of a decision, after its version was stored, and the state of its branch's
    /// evaluation.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn record_outcome(&mut self, entry: &OutcomeEntry<'_>) -> Result<(), CatalogError> {
        let OutcomeEntry { branch, trigger, outcome, seconds, evaluation, irreducible } = entry;
        self.commit("recording an outcome in", |transaction| {
            for irreducible in *irreducible {
                let IrreducibleOutcome { decision, version, seconds } = *irreducible;
                insert_decision(transaction, &decision)?;
                let (branch, trigger) = (decision.branch, decision.set.decision.trigger);
                insert_outcome(transaction, branch, trigger, &Ok(version), seconds)?;
            }
            insert_outcome(transaction, branch, *trigger, outcome, *seconds)?;
            insert_evaluation(transaction, branch, evaluation)
        })
    }
}

fn insert_outcome(
    transaction: &Transaction<'_>,
    branch: &str,
    trigger: u64,
    outcome: &Result<NewVersion<'_>, Failed<'_>>,
    seconds: f64,
) -> rusqlite::Result<()> {
    let (version, error) = match outcome {
        Ok(version) => (Some(version), None),
        Err(failed) => (None, failed.error),
    };
    let mut insert = transaction.prepare_cached(&OUTCOMES.insert("REPLACE"))?;
    insert.execute(named_params! {
        ":branch": branch,
        ":trigger": trigger as i64,
        ":version": version.map(|version| version.version as i64),
        ":sha256": version.map(|version| version.sha256),
        ":description": version.map(|version| version.description),
        ":loss": version.and_then(|version| version.loss),
        ":seconds": seconds,
        ":error": error,
    })?;
    match version.and_then(|version| version.trained_samples) {
        Some((summary, kept)) => {
            insert_trained_samples(transaction, branch, trigger, summary, kept)
        }
        None => Ok(()),
    }
}

fn insert_decision(
    transaction: &Transaction<'_>,
    decision: &NewDecision<'_>,
) -> rusqlite::Result<()> {
    let NewDecision { branch, set, seed, model } = *decision;
    let Decision { trigger, position, cut, decisions_before, reason } = &set.decision;
    let rows = &set.rows;
    let mut classes: BTreeMap<u32, u64> = BTreeMap::new();
    rows.iter().for_each(|row| *classes.entry(row.label).or_default() += 1);
    let weight: f64 = rows.iter().map(|row| f64::from(row.weight)).sum();
    let ids: RoaringTreemap = rows.iter().map(|row| row.id().0).collect();
    let mut insert = transaction.prepare_cached(&DECISIONS.insert("INSERT"))?;
    insert.execute(named_params! {
        ":branch": branch,
        ":trigger": *trigger as i64,
        ":time": position.time(),
        ":sample": position.id().0 as i64,
        ":cut": cut_name(*cut),
        ":decisions_before": decisions_before,
        ":policy": reason.policy,
        ":reason": reason.text,
        ":score": reason.score,
        ":threshold": reason.threshold,
        ":candidates": set.candidates as i64,
        ":samples": rows.len() as i64,
        ":labels": serde_json::to_string(&classes).expect("counts are plain data"),
        ":weight": weight,
        ":round": set.round as i64,
        ":ids": bitmap(&ids),
        ":ids_digest": digest(rows.iter().map(|row| row.id())),
        ":seconds": set.seconds,
        ":seed": seed as i64,
        ":model": model.map(|version| version as i64),
        ":attempts": 1,
    })?;
    insert_blocks(transaction, branch, *trigger as i64, &ids)
}

/// Records the states of a selection after a decision. A decision that is made again resumes from
/// the states before it, so the last earlier state of each partition is kept as well.
fn insert_selection_checkpoints(
    transaction: &Transaction<'_>,
    decision: &NewDecision<'_>,
) -> rusqlite::Result<()> {
    let NewDecision { branch, set, .. } = *decision;
    let trigger = set.decision.trigger as i64;
    let mut delete = transaction.prepare_cached(
        "DELETE FROM selection_checkpoints WHERE branch = ?1 AND stream = ?2 AND trigger < (
            SELECT max(trigger) FROM selection_checkpoints
            WHERE branch = ?1 AND stream = ?2 AND trigger < ?3)",
    )?;
    let mut insert = transaction.prepare_cached(&SELECTION_CHECKPOINTS.insert("INSERT"))?;
    for (stream, checkpoint) in &set.checkpoints {
        delete.execute(params![branch, stream, trigger])?;
        insert.execute(named_params! {
            ":branch": branch,
            ":stream": stream,
            ":trigger": trigger,
            ":state": checkpoint.save(),
            ":state_version": STATE_VERSION,
        })?;
    }
    Ok(())
}
