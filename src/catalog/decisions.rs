//! What was decided and what became of it.

use std::collections::BTreeMap;

use driftmill_operators::Snapshot;
use driftmill_operators::flow::{Decision, TriggerCheckpoint, TriggerEvaluation};
use driftmill_operators::selection::TrainingSet;
use rusqlite::{Transaction, params};

use super::checkpoints::{insert_evaluation, insert_trigger_checkpoint};
use super::database::{digest, insert_lengths};
use super::expired::bitmap;
use super::trained_samples::{TrainedSamples, insert_trained_samples};
use super::trigger_evaluations::{cut_name, insert_trigger_evaluations};
use super::{Catalog, CatalogError};
use crate::store::SegmentLength;
use crate::train::Kept;

/// A decision, with all that depends on what was read up to it.
#[derive(Clone, Debug)]
pub struct Deciding<'a> {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub branch: &'a str,
    /// The decision and its training set.
    pub set: &'a TrainingSet,
    /// Seed of the training.
    pub seed: u64,
    /// The version that is active.
    pub model: Option<u64>,
    /// How much of the log is durable: all that the decision depends on.
    pub durable: &'a [SegmentLength],
    /// Where the trigger policy stands.
    pub standing: &'a TriggerCheckpoint,
    /// What it saw until then, as far as that is not recorded.
    pub looks: &'a [TriggerEvaluation],
}

/// A version that was made, for its outcome.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// Its number.
    pub version: u64,
    /// SHA-256 of its weights.
    pub sha256: &'a str,
    /// SHA-256 of its description.
    pub description: &'a str,
    /// Loss of the last epoch.
    pub loss: Option<f64>,
    /// What it trained on, if that is not all of its training set.
    pub trained_samples: Option<(&'a TrainedSamples, &'a [Kept])>,
}

/// Why no version was made.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// What went wrong; none if there was nothing to train on.
    pub error: Option<&'a str>,
}

/// What became of a decision.
#[derive(Clone, Debug)]
pub struct Finished<'a> {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub branch: &'a str,
    /// The decision.
    pub trigger: u64,
    /// The version that was made.
    pub outcome: Result<Made<'a>, Failed<'a>>,
    /// How long the training took.
    pub seconds: f64,
    /// How far the evaluation of the branch is.
    pub evaluation: &'a [u8],
    /// Other models that were trained for it.
    pub irreducible: &'a [IrreducibleOutcome<'a>],
}

/// A model that was trained for the training of another.
#[derive(Clone, Debug)]
pub struct IrreducibleOutcome<'a> {
    /// What the catalog calls it.
    pub branch: &'a str,
    /// The decision, with what it was trained on.
    pub set: &'a TrainingSet,
    /// Seed of the training.
    pub seed: u64,
    /// Its version before.
    pub parent: Option<u64>,
    /// The version.
    pub made: Made<'a>,
    /// How long the training took.
    pub seconds: f64,
}

impl Catalog {
    /// Records a decision, before its training, together with the log that it saw and with where
    /// all policies of its branch stand.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn decided(&mut self, deciding: &Deciding<'_>) -> Result<(), CatalogError> {
        self.commit("recording a decision in", |transaction| {
            insert_lengths(transaction, deciding.durable)?;
            let how = (deciding.seed, deciding.model);
            insert_decision(transaction, (deciding.branch, deciding.set), how)?;
            insert_trigger_checkpoint(transaction, deciding.branch, deciding.standing)?;
            insert_trigger_evaluations(transaction, deciding.branch, deciding.looks)?;
            insert_selection_checkpoints(transaction, deciding)
        })
    }

    /// Counts a further training for a decision that was recorded before; how many there were.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn attempt(&mut self, branch: &str, trigger: u64) -> Result<u64, CatalogError> {
        let update = "UPDATE decisions SET attempts = attempts + 1 WHERE branch = ? AND trigger = ?
                      RETURNING attempts";
        let attempts = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        self.database
            .query_row(update, params![branch, trigger as i64], attempts)
            .map(|attempts| attempts as u64)
            .map_err(CatalogError::database("recording an attempt in"))
    }

    /// Records how far the evaluation of a branch is.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn evaluated(&mut self, branch: &str, evaluation: &[u8]) -> Result<(), CatalogError> {
        self.commit("recording an evaluation in", |transaction| {
            insert_evaluation(transaction, branch, evaluation)
        })
    }

    /// Records what became of a decision, after its version was stored, and how far the evaluation
    /// of its branch is.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn outcome(&mut self, finished: &Finished<'_>) -> Result<(), CatalogError> {
        let Finished { branch, trigger, outcome, seconds, evaluation, irreducible } = finished;
        self.commit("recording an outcome in", |transaction| {
            for irreducible in *irreducible {
                let IrreducibleOutcome { branch, set, made, .. } = irreducible;
                let decision = (*branch, set.decision.trigger);
                insert_decision(
                    transaction,
                    (branch, set),
                    (irreducible.seed, irreducible.parent),
                )?;
                insert_outcome(transaction, decision, &Ok(*made), irreducible.seconds)?;
            }
            insert_outcome(transaction, (branch, *trigger), outcome, *seconds)?;
            insert_evaluation(transaction, branch, evaluation)
        })
    }
}

fn insert_outcome(
    transaction: &Transaction<'_>,
    (branch, trigger): (&str, u64),
    outcome: &Result<Made<'_>, Failed<'_>>,
    seconds: f64,
) -> rusqlite::Result<()> {
    let (made, error) = match outcome {
        Ok(made) => (Some(made), None),
        Err(failed) => (None, failed.error),
    };
    let mut insert =
        transaction.prepare_cached("REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    insert.execute(params![
        branch,
        trigger as i64,
        made.map(|made| made.version as i64),
        made.map(|made| made.sha256),
        made.map(|made| made.description),
        made.and_then(|made| made.loss),
        seconds,
        error,
    ])?;
    match made.and_then(|made| made.trained_samples) {
        Some(trained_samples) => {
            insert_trained_samples(transaction, (branch, trigger), trained_samples)
        }
        None => Ok(()),
    }
}

fn insert_decision(
    transaction: &Transaction<'_>,
    (branch, set): (&str, &TrainingSet),
    (seed, model): (u64, Option<u64>),
) -> rusqlite::Result<()> {
    let Decision { trigger, position, cut, decisions_before, reason } = &set.decision;
    let rows = &set.rows;
    let mut classes: BTreeMap<u32, u64> = BTreeMap::new();
    rows.iter().for_each(|row| *classes.entry(row.label).or_default() += 1);
    let weight: f64 = rows.iter().map(|row| f64::from(row.weight)).sum();
    let bitmap = bitmap(&rows.iter().map(|row| row.id().0).collect());
    let mut insert = transaction.prepare_cached(
        "INSERT INTO decisions
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
    )?;
    insert.execute(params![
        branch,
        *trigger as i64,
        position.time(),
        position.id().0 as i64,
        cut_name(*cut),
        decisions_before,
        reason.policy,
        reason.text,
        reason.score,
        reason.threshold,
        set.candidates as i64,
        rows.len() as i64,
        serde_json::to_string(&classes).expect("counts are plain data"),
        weight,
        set.round as i64,
        bitmap,
        digest(rows.iter().map(|row| row.id())),
        set.seconds,
        seed as i64,
        model.map(|version| version as i64),
    ])?;
    Ok(())
}

/// A decision is made again from what stood before it, so of each shard the states after it and the
/// last one before it are kept.
fn insert_selection_checkpoints(
    transaction: &Transaction<'_>,
    deciding: &Deciding<'_>,
) -> rusqlite::Result<()> {
    let trigger = deciding.set.decision.trigger as i64;
    let mut forget = transaction.prepare_cached(
        "DELETE FROM selection_checkpoints WHERE branch = ?1 AND stream = ?2 AND trigger < (
            SELECT max(trigger) FROM selection_checkpoints WHERE branch = ?1 AND stream = ?2 AND trigger < ?3)",
    )?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO selection_checkpoints VALUES (?, ?, ?, ?)")?;
    for (stream, standing) in &deciding.set.checkpoints {
        forget.execute(params![deciding.branch, stream, trigger])?;
        insert.execute(params![deciding.branch, stream, trigger, standing.save()])?;
    }
    Ok(())
}
