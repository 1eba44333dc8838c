//! Records decisions and their outcomes.

use std::collections::BTreeMap;

use driftmill_operators::Snapshot;
use driftmill_operators::flow::{Decision, TriggerCheckpoint, TriggerEvaluation};
use driftmill_operators::selection::TrainingSet;
use roaring::RoaringTreemap;
use rusqlite::{Transaction, named_params, params};

use super::blocks::insert_blocks;
use super::checkpoints::{STATE_VERSION, insert_evaluation, insert_trigger_checkpoint};
use super::database::digest;
use super::expired::bitmap;
use super::run::insert_lengths;
use super::table::{DECISIONS, OUTCOMES, SELECTION_CHECKPOINTS};
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
    /// Records a decision before its training, together with the length of the log that it saw and
    /// with the checkpoints of all policies of its branch.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn decided(&mut self, deciding: &Deciding<'_>) -> Result<(), CatalogError> {
        let Deciding { branch, set, seed, model, .. } = *deciding;
        self.commit("recording a decision in", |transaction| {
            insert_lengths(transaction, deciding.durable)?;
            insert_decision(transaction, &NewDecision { branch, set, seed, model })?;
            insert_trigger_checkpoint(transaction, branch, deciding.standing)?;
            insert_trigger_evaluations(transaction, branch, deciding.looks)?;
            insert_selection_checkpoints(transaction, deciding)
        })
    }

    /// Counts a further training for a decision that was recorded before; how many there were.
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

    /// Records how far the evaluation of a branch is.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn evaluated(&mut self, branch: &str, evaluation: &[u8]) -> Result<(), CatalogError> {
        self.commit("recording an evaluation in", |transaction| {
            insert_evaluation(transaction, branch, evaluation)
        })
    }

    /// Records what became of a decision, after its version was stored, and how far the evaluation
    /// of its branch is.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn outcome(&mut self, finished: &Finished<'_>) -> Result<(), CatalogError> {
        let Finished { branch, trigger, outcome, seconds, evaluation, irreducible } = finished;
        self.commit("recording an outcome in", |transaction| {
            for irreducible in *irreducible {
                let IrreducibleOutcome { branch, set, seed, parent: model, made, seconds } =
                    *irreducible;
                insert_decision(transaction, &NewDecision { branch, set, seed, model })?;
                let trigger = set.decision.trigger;
                insert_outcome(transaction, branch, trigger, &Ok(made), seconds)?;
            }
            insert_outcome(transaction, branch, *trigger, outcome, *seconds)?;
            insert_evaluation(transaction, branch, evaluation)
        })
    }
}

/// A decision that is to be recorded.
struct NewDecision<'a> {
    branch: &'a str,
    set: &'a TrainingSet,
    seed: u64,
    model: Option<u64>,
}

fn insert_outcome(
    transaction: &Transaction<'_>,
    branch: &str,
    trigger: u64,
    outcome: &Result<Made<'_>, Failed<'_>>,
    seconds: f64,
) -> rusqlite::Result<()> {
    let (made, error) = match outcome {
        Ok(made) => (Some(made), None),
        Err(failed) => (None, failed.error),
    };
    let mut insert = transaction.prepare_cached(&OUTCOMES.insert("REPLACE"))?;
    insert.execute(named_params! {
        ":branch": branch,
        ":trigger": trigger as i64,
        ":version": made.map(|made| made.version as i64),
        ":sha256": made.map(|made| made.sha256),
        ":description": made.map(|made| made.description),
        ":loss": made.and_then(|made| made.loss),
        ":seconds": seconds,
        ":error": error,
    })?;
    match made.and_then(|made| made.trained_samples) {
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
    deciding: &Deciding<'_>,
) -> rusqlite::Result<()> {
    let trigger = deciding.set.decision.trigger as i64;
    let mut forget = transaction.prepare_cached(
        "DELETE FROM selection_checkpoints WHERE branch = ?1 AND stream = ?2 AND trigger < (
            SELECT max(trigger) FROM selection_checkpoints
            WHERE branch = ?1 AND stream = ?2 AND trigger < ?3)",
    )?;
    let mut insert = transaction.prepare_cached(&SELECTION_CHECKPOINTS.insert("INSERT"))?;
    for (stream, checkpoint) in &deciding.set.checkpoints {
        forget.execute(params![deciding.branch, stream, trigger])?;
        insert.execute(named_params! {
            ":branch": deciding.branch,
            ":stream": stream,
            ":trigger": trigger,
            ":state": checkpoint.save(),
            ":state_version": STATE_VERSION,
        })?;
    }
    Ok(())
}
