//! The catalog's database: creation, opening, migration, reading and writing.

use std::path::Path;
use std::time::Duration;

use driftmill_operators::Id;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, Params, Row, Transaction};

use super::CatalogError;
use super::run_record::{RunRecord, insert_partitions, insert_run};
use super::schema::{FIRST_FORMAT, FORMAT, migrate};
use super::table::{Record, register};
use crate::failpoint::Failpoint;
use crate::source::Partition;

/// Number of pages that are copied at once.
const COPIED_PAGES: i32 = 1024;

/// The catalog of a run: one SQLite database, in which every change is a durable transaction.
pub struct Catalog {
    pub(super) database: Connection,
}

impl Catalog {
    /// Creates a catalog at `path`.
    ///
    /// # Errors
    /// When SQLite fails, for example because `path` already has a catalog.
    pub fn create(
        path: &Path,
        run: &RunRecord,
        partitions: &[Partition],
    ) -> Result<Self, CatalogError> {
        let failed = || CatalogError::database("creating");
        let mut database = Connection::open(path).map_err(failed())?;
        configure(&database).map_err(failed())?;
        migrate(&mut database).map_err(CatalogError::migration(path))?;
        let mut catalog = Self { database };
        catalog.commit("creating", |transaction| {
            insert_run(transaction, run)?;
            insert_partitions(transaction, partitions)
        })?;
        Ok(catalog)
    }

    /// Opens a snapshot of the catalog at `path` for reading, while others may write it.
    ///
    /// A catalog of an earlier format does not change: a temporary copy of it is migrated.
    ///
    /// # Errors
    /// When SQLite cannot read it, or it has an unknown format.
    pub fn view(path: &Path) -> Result<Self, CatalogError> {
        let failed = || CatalogError::database("opening");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = Connection::open_with_flags(path, flags).map_err(failed())?;
        register(&database).map_err(failed())?;
        // all queries see the state at the first query.
        database.execute_batch("BEGIN").map_err(failed())?;
        if format(&database, path)? == FORMAT {
            return Ok(Self { database });
        }
        let mut copy = Connection::open("").map_err(failed())?;
        register(&copy).map_err(failed())?;
        Backup::new(&database, &mut copy)
            .and_then(|backup| backup.run_to_completion(COPIED_PAGES, Duration::ZERO, None))
            .map_err(failed())?;
        migrate(&mut copy).map_err(CatalogError::migration(path))?;
        Ok(Self { database: copy })
    }

    /// Opens the catalog at `path`, to resume its run or to verify it. A catalog of an earlier format is
    /// migrated.
    ///
    /// # Errors
    /// When SQLite cannot read it, or it has an unknown format.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        let failed = || CatalogError::database("opening");
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut database = Connection::open_with_flags(path, flags).map_err(failed())?;
        configure(&database).map_err(failed())?;
        if format(&database, path)? < FORMAT {
            migrate(&mut database).map_err(CatalogError::migration(path))?;
        }
        Ok(Self { database })
    }

    /// Does `work` completely or not at all. The result is durable when this returns.
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

    /// Moves all written data into the single file of the database.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn settle(&self) -> Result<(), CatalogError> {
        let settle = self.database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        settle.map_err(CatalogError::database("settling"))
    }

    /// Reads whole rows of a table and compares them with their checksums. `rest` selects and orders them.
    pub(super) fn read<R: Record>(
        &self,
        rest: &str,
        params: impl Params,
    ) -> Result<Vec<R>, CatalogError> {
        let mut rows = Vec::new();
        self.read_each(rest, params, |row| rows.push(row))?;
        Ok(rows)
    }

    /// Like [`read`](Self::read), but one row at a time.
    pub(super) fn read_each<R: Record>(
        &self,
        rest: &str,
        params: impl Params,
        mut each: impl FnMut(R),
    ) -> Result<(), CatalogError> {
        let failed = || CatalogError::database("reading");
        let mut statement =
            self.database.prepare_cached(&R::TABLE.select(rest)).map_err(failed())?;
        let mut rows = statement.query(params).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            if !row.get("intact").map_err(failed())? {
                return Err(damaged::<R>(row, "its checksum does not match".to_owned()));
            }
            each(R::from_row(row).map_err(|error| damaged::<R>(row, error.to_string()))?);
        }
        Ok(())
    }

    /// The rows of a query.
    pub(super) fn rows<T>(
        &self,
        query: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, CatalogError> {
        let mut statement =
            self.database.prepare_cached(query).map_err(CatalogError::database("reading"))?;
        let rows = statement.query_map(params, row).and_then(Iterator::collect);
        rows.map_err(CatalogError::database("reading"))
    }
}

fn damaged<R: Record>(row: &Row<'_>, detail: String) -> CatalogError {
    CatalogError::Row { table: R::TABLE.name, row: R::TABLE.key_of(row), detail }
}

fn configure(database: &Connection) -> rusqlite::Result<()> {
    database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    register(database)
}

/// The format of a database, if this program can open it.
fn format(database: &Connection, path: &Path) -> Result<i64, CatalogError> {
    let query = database.query_row("PRAGMA user_version", [], |row| row.get(0));
    let format: i64 = query.map_err(CatalogError::database("opening"))?;
    if (FIRST_FORMAT..=FORMAT).contains(&format) {
        return Ok(format);
    }
    let known = format!("formats {FIRST_FORMAT} to {FORMAT}");
    Err(CatalogError::Format { path: path.to_owned(), format, known })
}

/// SHA-256 of ids, 64 bits each, little-endian.
pub(crate) fn digest(ids: impl Iterator<Item = Id>) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    ids.for_each(|id| hash.update(id.0.to_le_bytes()));
    hex::encode(hash.finalize())
}
