use std::path::Path;

use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Cut;
use driftmill_operators::{Id, position_id, position_time};
use roaring::RoaringTreemap;
use rusqlite::{Connection, params};

use super::CatalogError;
use crate::source::Partition;

const TABLES: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE run (
    id TEXT PRIMARY KEY,
    pipeline TEXT NOT NULL      -- the whole pipeline, as JSON
) STRICT;
CREATE TABLE partitions (
    topic_index INTEGER NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    start INTEGER NOT NULL,     -- first offset to be read
    end INTEGER,                -- first offset not to be read
    PRIMARY KEY (topic_index, partition)
) STRICT;
CREATE TABLE decided (
    branch TEXT NOT NULL,       -- '' or the name of a comparison
    trigger INTEGER NOT NULL,
    time INTEGER NOT NULL,      -- position: milliseconds since 1970
    sample INTEGER NOT NULL,    -- position: id
    cut TEXT NOT NULL,          -- before or after that sample
    decided_before INTEGER NOT NULL,
    policy TEXT NOT NULL,
    reason TEXT NOT NULL,
    score REAL,
    threshold REAL,
    candidates INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    ids BLOB NOT NULL,          -- the training set's ids: a 64-bit Roaring bitmap
    ids_digest TEXT NOT NULL,
    seed INTEGER NOT NULL,
    model INTEGER,              -- the version that was active
    PRIMARY KEY (branch, trigger)
) STRICT;
CREATE TABLE outcomes (
    branch TEXT NOT NULL,
    trigger INTEGER NOT NULL,
    version INTEGER,            -- none if there was nothing to train on, or the training failed
    sha256 TEXT,
    loss REAL,                  -- of the last epoch
    seconds REAL NOT NULL,
    error TEXT,
    PRIMARY KEY (branch, trigger),
    FOREIGN KEY (branch, trigger) REFERENCES decided (branch, trigger)
) STRICT;
";

/// The catalog of a run: one SQLite database.
///
/// Each decision is two transactions: *decided* before the training, *outcome* after it.
pub struct Catalog {
    database: Connection,
}

/// A version that was made, for its outcome.
#[derive(Clone, Debug)]
pub struct Made<'a> {
    /// Its number.
    pub version: u64,
    /// SHA-256 of its weights.
    pub sha256: &'a str,
    /// Loss of the last epoch.
    pub loss: Option<f64>,
}

/// Why no version was made.
#[derive(Clone, Debug)]
pub struct Failed<'a> {
    /// What went wrong; none if there was nothing to train on.
    pub error: Option<&'a str>,
}

impl Catalog {
    /// A new catalog at `path`.
    ///
    /// # Errors
    /// When SQLite refuses, as for a path that already holds one.
    pub fn create(
        path: &Path,
        run: &str,
        pipeline: &str,
        partitions: &[Partition],
    ) -> Result<Self, CatalogError> {
        let failed = || CatalogError::database("creating");
        let mut database = Connection::open(path).map_err(failed())?;
        database.execute_batch(TABLES).map_err(failed())?;
        let transaction = database.transaction().map_err(failed())?;
        transaction
            .execute("INSERT INTO run VALUES (?, ?)", params![run, pipeline])
            .map_err(failed())?;
        for part in partitions {
            let end = part.end.map(|end| end as i64);
            transaction
                .execute(
                    "INSERT INTO partitions VALUES (?, ?, ?, ?, ?)",
                    params![part.topic_index, part.topic, part.partition, part.start as i64, end],
                )
                .map_err(failed())?;
        }
        transaction.commit().map_err(failed())?;
        Ok(Self { database })
    }

    /// Records a decision and its training set, before the training.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn decided(
        &mut self,
        branch: &str,
        set: &TrainingSet,
        seed: u64,
        model: Option<u64>,
    ) -> Result<(), CatalogError> {
        let decided = &set.decided;
        let ids: RoaringTreemap = set.rows.iter().map(|row| row.id().0).collect();
        let mut bitmap = Vec::with_capacity(ids.serialized_size());
        ids.serialize_into(&mut bitmap).expect("memory takes all that is written");
        let cut = match decided.cut {
            Cut::Before => "before",
            Cut::After => "after",
        };
        self.database
            .execute(
                "INSERT INTO decided VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    branch,
                    decided.trigger as i64,
                    position_time(decided.position),
                    position_id(decided.position).0 as i64,
                    cut,
                    decided.decided_before,
                    decided.reason.policy,
                    decided.reason.text,
                    decided.reason.score,
                    decided.reason.threshold,
                    set.candidates as i64,
                    set.rows.len() as i64,
                    bitmap,
                    digest(set.rows.iter().map(|row| row.id())),
                    seed as i64,
                    model.map(|version| version as i64),
                ],
            )
            .map(|_| ())
            .map_err(CatalogError::database("recording a decision in"))
    }

    /// Records what became of a decision, after its version was stored.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn outcome(
        &mut self,
        branch: &str,
        trigger: u64,
        outcome: Result<Made<'_>, Failed<'_>>,
        seconds: f64,
    ) -> Result<(), CatalogError> {
        let (made, error) = match &outcome {
            Ok(made) => (Some(made), None),
            Err(failed) => (None, failed.error),
        };
        self.database
            .execute(
                "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![
                    branch,
                    trigger as i64,
                    made.map(|made| made.version as i64),
                    made.map(|made| made.sha256),
                    made.and_then(|made| made.loss),
                    seconds,
                    error,
                ],
            )
            .map(|_| ())
            .map_err(CatalogError::database("recording an outcome in"))
    }
}

/// SHA-256 of ids, 64 bits each, little-endian.
pub(crate) fn digest(ids: impl Iterator<Item = Id>) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    ids.for_each(|id| hash.update(id.0.to_le_bytes()));
    hex(&hash.finalize())
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
