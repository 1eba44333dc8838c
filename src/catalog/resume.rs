//! What a run needs to go on.

use driftmill_operators::flow::{
    Decision, SelectionCheckpoint, SelectionCheckpoints, TriggerCheckpoint,
};
use driftmill_operators::selection::Chosen;
use driftmill_operators::trigger::Reason;
use driftmill_operators::{Id, Position, restore};
use roaring::RoaringTreemap;
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::trigger_evaluations::cut_of;
use super::{Catalog, CatalogError};

/// A decision as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The decision.
    pub decided: Decision,
    /// Samples in its training set.
    pub samples: u64,
    /// SHA-256 of their ids.
    pub ids_digest: String,
    /// What became of it, if that is known.
    pub outcome: Option<OutcomeRecord>,
}

/// An outcome as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// The version that was made.
    pub version: Option<u64>,
    /// SHA-256 of its weights.
    pub sha256: Option<String>,
    /// SHA-256 of its description.
    pub description: Option<String>,
    /// How long its training took.
    pub seconds: f64,
    /// Why no version was made.
    pub error: Option<String>,
}

/// Where a branch stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BranchRecord {
    /// Its decisions, in order.
    pub decisions: Vec<DecisionRecord>,
    /// Where its trigger policy stands; none if that was never recorded.
    pub standing: Option<TriggerCheckpoint>,
    /// How far its evaluation is.
    pub evaluation: Option<Vec<u8>>,
    /// Where its selection stands before the decision that is made next.
    pub standings: SelectionCheckpoints,
}

impl BranchRecord {
    /// The number of the decision that is made next, or made again.
    pub fn next_trigger(&self) -> u64 {
        let next = |standing: &TriggerCheckpoint| {
            standing.open.as_ref().map_or(standing.next_trigger, |open| open.trigger)
        };
        self.standing.as_ref().map_or(0, next)
    }

    /// The decisions before the one that is made next.
    pub fn past(&self) -> impl Iterator<Item = &DecisionRecord> {
        let next = self.next_trigger();
        self.decisions.iter().filter(move |record| record.decided.trigger < next)
    }

    /// No decision that is still to be made and nothing that is still to be scored is before.
    pub fn reached(&self) -> Position {
        self.standing.as_ref().map_or(Position::MIN, |standing| standing.at)
    }

    /// The first position that some policy of the branch has not seen.
    pub fn resume_at(&self, stream: u32) -> Position {
        let policy = self.standing.as_ref().map_or(Position::MIN, |standing| standing.at);
        let shard = self.standings.partitions.get(&stream);
        policy.min(shard.map_or(Position::MIN, |shard| shard.at))
    }
}

impl Catalog {
    /// Where a branch stands; a branch that was never heard of has seen nothing.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a state is not one.
    pub fn branch(&self, branch: &str) -> Result<BranchRecord, CatalogError> {
        let mut record = BranchRecord { decisions: self.decisions(branch)?, ..Default::default() };
        (record.standing, record.evaluation) = self.standing(branch)?;
        let next = record.next_trigger();
        let past = record.past().map(|past| (past.decided.trigger, past.decided.end()));
        record.standings.decisions = past.collect();
        for (stream, state) in self.shards(branch, next)? {
            record.standings.partitions.insert(stream, parsed::<SelectionCheckpoint>(&state)?);
        }
        Ok(record)
    }

    /// Per stream its newest state from before decision `next`.
    fn shards(&self, branch: &str, next: u64) -> Result<Vec<(u32, Vec<u8>)>, CatalogError> {
        let query = "SELECT stream, state, max(trigger) FROM selection_checkpoints
                     WHERE branch = ? AND trigger < ? GROUP BY stream";
        self.rows(query, params![branch, next as i64], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// What was chosen for the decisions of a branch whose selection has to be told again: those
    /// from the oldest shard on and before the one that is made next.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a bitmap is not one.
    pub fn chosen(&self, branch: &str, record: &BranchRecord) -> Result<Vec<Chosen>, CatalogError> {
        let shards = record.standings.partitions.values();
        let oldest = shards.map(|shard| shard.trigger).min().unwrap_or(0);
        let query = "SELECT trigger, round, ids FROM decisions
                     WHERE branch = ? AND trigger >= ? AND trigger < ? ORDER BY trigger";
        let among = params![branch, oldest as i64, record.next_trigger() as i64];
        let found = self.rows(query, among, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        let chosen = |(trigger, round, ids): (i64, i64, Vec<u8>)| {
            let ids = RoaringTreemap::deserialize_from(&*ids)
                .map_err(|error| CatalogError::State(error.to_string()))?;
            let ids = ids.into_iter().map(Id).collect();
            Ok(Chosen { trigger: trigger as u64, round: round as u64, ids })
        };
        found.into_iter().map(chosen).collect()
    }

    /// The decisions of a branch, in order.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn decisions(&self, branch: &str) -> Result<Vec<DecisionRecord>, CatalogError> {
        let query = "SELECT d.trigger, d.time, d.sample, d.cut, d.decisions_before, d.policy,
                            d.reason, d.score, d.threshold, d.samples, d.ids_digest,
                            o.trigger, o.version, o.sha256, o.seconds, o.error, o.description
                     FROM decisions d LEFT JOIN outcomes o USING (branch, trigger)
                     WHERE branch = ? ORDER BY d.trigger";
        self.rows(query, [branch], decision)
    }
}

fn decision(row: &Row<'_>) -> rusqlite::Result<DecisionRecord> {
    let id = Id(row.get::<_, i64>(2)? as u64);
    let decided = Decision {
        trigger: row.get::<_, i64>(0)? as u64,
        position: Position::new(row.get(1)?, id),
        cut: cut_of(row, 3)?,
        decisions_before: row.get(4)?,
        reason: Reason {
            policy: row.get(5)?,
            text: row.get(6)?,
            score: row.get(7)?,
            threshold: row.get(8)?,
        },
    };
    let known: Option<i64> = row.get(11)?;
    let outcome = || {
        Ok::<_, rusqlite::Error>(OutcomeRecord {
            version: row.get::<_, Option<i64>>(12)?.map(|version| version as u64),
            sha256: row.get(13)?,
            seconds: row.get(14)?,
            error: row.get(15)?,
            description: row.get(16)?,
        })
    };
    Ok(DecisionRecord {
        decided,
        samples: row.get::<_, i64>(9)? as u64,
        ids_digest: row.get(10)?,
        outcome: known.map(|_| outcome()).transpose()?,
    })
}

pub(super) fn parsed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, CatalogError> {
    restore(bytes).map_err(|error| CatalogError::State(error.to_string()))
}
