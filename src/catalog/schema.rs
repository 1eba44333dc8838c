//! The catalog's format, and its migrations from the first format that can still be opened.

use roaring::RoaringTreemap;
use rusqlite::{Connection, Transaction};
use rusqlite_migration::{HookError, HookResult, M, Migrations};

use super::blocks::insert_blocks;
use super::table::{PARTITIONS, RUN, TABLES};

/// The format that this program writes, in `PRAGMA user_version`.
pub(super) const FORMAT: i64 = 13;

/// The first format with a migration. Earlier formats were never released.
pub(super) const FIRST_FORMAT: i64 = 9;

/// Creates all tables, or migrates those of an earlier format, in one transaction.
pub(super) fn migrate(database: &mut Connection) -> rusqlite_migration::Result<()> {
    migrations().to_latest(database)
}

/// One migration for each format. Those of unreleased formats are empty, so that the number of a migration
/// is that of its format.
fn migrations() -> Migrations<'static> {
    let unreleased = (1..FIRST_FORMAT).map(|_| M::up(""));
    let migrations = [
        M::up(include_str!("migrations/09_tables.sql")),
        M::up_with_hook(include_str!("migrations/10_checksums.sql"), training_set_blocks),
        M::up(include_str!("migrations/11_expired_ranges.sql")),
        M::up_with_hook(include_str!("migrations/12_identities.sql"), changed_checksums),
        M::up_with_hook(include_str!("migrations/13_invalid.sql"), missing_checksums),
    ];
    Migrations::new(unreleased.chain(migrations).collect())
}

/// Fills what format 10 adds: blocks of training sets.
fn training_set_blocks(transaction: &Transaction<'_>) -> HookResult {
    let mut decisions = transaction.prepare("SELECT branch, trigger, ids FROM decisions")?;
    let mut rows = decisions.query([])?;
    while let Some(row) = rows.next()? {
        let ids: Vec<u8> = row.get("ids")?;
        let ids = RoaringTreemap::deserialize_from(&*ids)
            .map_err(|error| HookError::Hook(format!("a training set: {error}")))?;
        let branch: String = row.get("branch")?;
        insert_blocks(transaction, &branch, row.get("trigger")?, &ids)?;
    }
    Ok(())
}

/// Writes the checksums of rows with columns that format 12 adds.
fn changed_checksums(transaction: &Transaction<'_>) -> HookResult {
    for table in [&PARTITIONS, &RUN] {
        transaction.execute(&table.seal("true"), [])?;
    }
    Ok(())
}

/// Writes the checksums of rows that have none, as those of format 9, once their columns have the names of
/// today.
fn missing_checksums(transaction: &Transaction<'_>) -> HookResult {
    for table in TABLES {
        transaction.execute(&table.seal("checksum = 0"), [])?;
    }
    Ok(())
}

/// The statements that created the tables and indexes of a database, in the order of names.
pub(super) fn statements(database: &Connection) -> rusqlite::Result<Vec<String>> {
    let query = "SELECT type || ' ' || name || ' of ' || tbl_name || ': ' || ifnull(sql, '')
                 FROM sqlite_schema ORDER BY type, name";
    database.prepare(query)?.query_map([], |row| row.get(0))?.collect()
}

/// Like [`statements`], for an empty catalog of this format.
///
/// # Errors
/// When SQLite has no memory.
pub(super) fn expected_statements() -> rusqlite_migration::Result<Vec<String>> {
    let mut database = Connection::open_in_memory()?;
    super::table::register(&database)?;
    migrate(&mut database)?;
    Ok(statements(&database)?)
}
