use std::path::Path;

use driftmill_operators::Id;
use rusqlite::{Connection, OpenFlags, Params, Row, Statement, Transaction, params};

use super::CatalogError;
use super::tables::{FORMAT, TABLES};
use crate::failpoint::Failpoint;
use crate::source::Partition;
use crate::store::SegmentLength;

/// The catalog of a run: one SQLite database, in which every change is one durable transaction.
pub struct Catalog {
    pub(super) database: Connection,
}

/// A run, as its catalog knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its unique name.
    pub id: String,
    /// The pipeline that it began with, as JSON.
    pub pipeline: String,
    /// The pipeline that it was started with last, as JSON.
    pub current: String,
    /// The run whose published versions count as its own.
    pub adopted: Option<String>,
    /// Whether its stream came to its end.
    pub complete: bool,
}

impl Catalog {
    /// A new catalog at `path`.
    ///
    /// # Errors
    /// When SQLite refuses, as for a path that already holds one.
    pub fn create(
        path: &Path,
        run: &RunRecord,
        partitions: &[Partition],
    ) -> Result<Self, CatalogError> {
        let failed = || CatalogError::database("creating");
        let database = Connection::open(path).map_err(failed())?;
        let mut catalog = Self::configured(database, "creating")?;
        catalog.commit("creating", |transaction| {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            let RunRecord { id, pipeline, current, adopted, complete } = run;
            let insert = "INSERT INTO run VALUES (?, ?, ?, ?, ?)";
            transaction.execute(insert, params![id, pipeline, current, adopted, complete])?;
            insert_partitions(transaction, partitions)
        })?;
        Ok(catalog)
    }

    /// The catalog at `path` as it is now, to be looked at while others write it.
    ///
    /// # Errors
    /// When SQLite cannot read it, or it has another format.
    pub fn view(path: &Path) -> Result<Self, CatalogError> {
        let failed = || CatalogError::database("opening");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = Connection::open_with_flags(path, flags).map_err(failed())?;
        // all that is read is of one moment: the first look at the database.
        database.execute_batch("BEGIN").map_err(failed())?;
        Self { database }.of_known_format(path)
    }

    /// The catalog at `path`, to go on with or to verify.
    ///
    /// # Errors
    /// When SQLite cannot read it, or it has another format.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let failed = || CatalogError::database("opening");
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let database = Connection::open_with_flags(path, flags).map_err(failed())?;
        Self::configured(database, "opening")?.of_known_format(path)
    }

    fn of_known_format(self, path: &Path) -> Result<Self, CatalogError> {
        let query = self.database.query_row("PRAGMA user_version", [], |row| row.get(0));
        let format: i64 = query.map_err(CatalogError::database("opening"))?;
        match format == FORMAT {
            true => Ok(self),
            false => Err(CatalogError::Format { path: path.to_owned(), format, known: FORMAT }),
        }
    }

    fn configured(database: Connection, action: &'static str) -> Result<Self, CatalogError> {
        let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
        database.execute_batch(settings).map_err(CatalogError::database(action))?;
        Ok(Self { database })
    }

    /// Does `work` wholly or not at all; durable when this returns.
    pub(super) fn commit(
        &mut self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), CatalogError> {
        let transaction = self.database.transaction().map_err(CatalogError::database(action))?;
        work(&transaction).map_err(CatalogError::database(action))?;
        Failpoint::CatalogOpen.reach();
        transaction.commit().map_err(CatalogError::database(action))?;
        Failpoint::CatalogCommitted.reach();
        Ok(())
    }

    /// The run.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn run(&self) -> Result<RunRecord, CatalogError> {
        let record = |row: &Row<'_>| {
            Ok(RunRecord {
                id: row.get(0)?,
                pipeline: row.get(1)?,
                current: row.get(2)?,
                adopted: row.get(3)?,
                complete: row.get(4)?,
            })
        };
        self.database
            .query_row("SELECT * FROM run", [], record)
            .map_err(CatalogError::database("reading"))
    }

    /// Records the pipeline that the run is started with.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_current(&mut self, pipeline: &str) -> Result<(), CatalogError> {
        self.commit("recording the pipeline in", |transaction| {
            transaction.execute("UPDATE run SET current = ?", [pipeline]).map(|_| ())
        })
    }

    /// Records whether the stream came to its end.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_complete(&mut self, complete: bool) -> Result<(), CatalogError> {
        self.commit("completing the run in", |transaction| {
            transaction.execute("UPDATE run SET complete = ?", [complete]).map(|_| ())
        })
    }

    /// Moves all that was written into the database's one file.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle(&self) -> Result<(), CatalogError> {
        let settle = self.database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        settle.map_err(CatalogError::database("settling"))
    }

    /// Whether anything was read or decided.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn has_started(&self) -> Result<bool, CatalogError> {
        let query = "SELECT EXISTS (SELECT 1 FROM segments) OR EXISTS (SELECT 1 FROM decisions)";
        let begun = self.database.query_row(query, [], |row| row.get(0));
        begun.map_err(CatalogError::database("reading"))
    }

    /// The partitions with their bounds, in the order in which they were recorded.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn partitions(&self) -> Result<Vec<Partition>, CatalogError> {
        let partition = |row: &Row<'_>| {
            let end: Option<i64> = row.get(4)?;
            Ok(Partition {
                topic: row.get(0)?,
                topic_index: row.get(1)?,
                partition: row.get(2)?,
                start: row.get::<_, i64>(3)? as u64,
                end: end.map(|end| end as u64),
            })
        };
        let query = "SELECT topic, topic_index, partition, start, end FROM partitions
                     ORDER BY number";
        self.rows(query, [], partition)
    }

    /// Records new bounds.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_partitions(&mut self, partitions: &[Partition]) -> Result<(), CatalogError> {
        self.commit("recording bounds in", |transaction| {
            transaction.execute("DELETE FROM partitions", [])?;
            insert_partitions(transaction, partitions)
        })
    }

    /// How much of the log is durable.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn segments(&self) -> Result<Vec<SegmentLength>, CatalogError> {
        let length = |row: &Row<'_>| {
            Ok(SegmentLength {
                name: row.get(0)?,
                bytes: row.get::<_, i64>(1)? as u64,
                batches: row.get::<_, i64>(2)? as u64,
                remote: row.get(3)?,
            })
        };
        let query = "SELECT name, bytes, batches, url FROM segments
            LEFT JOIN remote_segments ON segment = name AND complete ORDER BY name";
        self.rows(query, [], length)
    }

    /// What a query finds.
    pub(super) fn rows<T>(
        &self,
        query: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, CatalogError> {
        let rows = |query: &mut Statement<'_>| query.query_map(params, row)?.collect();
        let found = self.database.prepare(query).and_then(|mut query| rows(&mut query));
        found.map_err(CatalogError::database("reading"))
    }
}

fn insert_partitions(transaction: &Transaction<'_>, parts: &[Partition]) -> rusqlite::Result<()> {
    let insert = "INSERT INTO partitions VALUES (?, ?, ?, ?, ?, ?)";
    for (number, part) in parts.iter().enumerate() {
        transaction.execute(
            insert,
            params![
                number as i64,
                part.topic_index,
                part.topic,
                part.partition,
                part.start as i64,
                part.end.map(|end| end as i64)
            ],
        )?;
    }
    Ok(())
}

/// Part of any transaction that depends on what was read.
pub(super) fn insert_lengths(
    transaction: &Transaction<'_>,
    durable: &[SegmentLength],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("REPLACE INTO segments VALUES (?, ?, ?)")?;
    for SegmentLength { name, bytes, batches, .. } in durable {
        insert.execute(params![name, *bytes as i64, *batches as i64])?;
    }
    Ok(())
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
