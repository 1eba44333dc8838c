//! The tables of the catalog, their rows, and a checksum of each row.
//!
//! SQLite detects damage to the structure of a database file, but not to the values in it. Every row
//! therefore ends with a checksum of its values, which the same statement writes. The checksum is compared
//! whenever rows are read to resume a run, and by `driftmill verify`. Checksums of pages would need a file
//! system layer for SQLite in C, or a second file that a crash leaves behind.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use xxhash_rust::xxh3::Xxh3;

/// A table and its columns, without the checksum, in order. The first columns are the key.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static [&'static str],
    keys: usize,
}

/// All tables.
pub(super) const TABLES: [&Table; 17] = [
    &RUN,
    &PARTITIONS,
    &SEGMENTS,
    &REMOTE_SEGMENTS,
    &EXPIRED_SEGMENTS,
    &EXPIRED_RANGES,
    &ERASED_SAMPLES,
    &EXPIRED_VERSIONS,
    &DECISIONS,
    &OUTCOMES,
    &TRAINED_SAMPLES,
    &TRIGGER_EVALUATIONS,
    &SHADOW_DECISIONS,
    &TRIGGER_CHECKPOINTS,
    &SELECTION_CHECKPOINTS,
    &TRAINING_SET_BLOCKS,
    &OUTBOX,
];

macro_rules! tables {
    ($($table:ident = $name:literal [$($key:literal)+] $($column:literal)*;)+) => {
        $(pub(super) const $table: Table = Table {
            name: $name,
            columns: &[$($key,)+ $($column),*],
            keys: [$($key),+].len(),
        };)+
    };
}

tables! {
    RUN = "run" ["id"] "pipeline" "current" "adopted" "complete" "arithmetic";
    PARTITIONS = "partitions" ["number"] "topic_index" "topic" "partition" "start" "end" "identity";
    SEGMENTS = "segments" ["name"] "bytes" "batches";
    REMOTE_SEGMENTS = "remote_segments" ["segment"] "url" "complete";
    EXPIRED_SEGMENTS = "expired_segments" ["number"] "name" "bytes" "rows" "samples" "invalid" "late"
        "ids" "replaced" "deleted" "keys";
    EXPIRED_RANGES = "expired_ranges" ["number" "topic_index" "partition"] "from_offset" "to_offset"
        "rows" "from_time" "to_time";
    ERASED_SAMPLES = "erased_samples" ["segment"] "ids";
    EXPIRED_VERSIONS = "expired_versions" ["branch" "version"];
    DECISIONS = "decisions" ["branch" "trigger"] "time" "sample" "cut" "decisions_before" "policy"
        "reason" "score" "threshold" "candidates" "samples" "labels" "weight" "round" "ids"
        "ids_digest" "seconds" "seed" "model" "attempts";
    OUTCOMES = "outcomes" ["branch" "trigger"] "version" "sha256" "description" "loss" "seconds"
        "error";
    TRAINED_SAMPLES = "trained_samples" ["branch" "trigger"] "summary" "ids" "times" "weights";
    TRIGGER_EVALUATIONS = "trigger_evaluations" ["policy" "trigger" "time" "sample" "number"]
        "decides" "version" "seconds" "evaluation";
    SHADOW_DECISIONS = "shadow_decisions" ["policy" "number"] "time" "sample" "cut" "version" "kind"
        "reason" "score" "threshold";
    TRIGGER_CHECKPOINTS = "trigger_checkpoints" ["branch"] "policy" "evaluation" "state_version";
    SELECTION_CHECKPOINTS = "selection_checkpoints" ["branch" "stream" "trigger"] "state"
        "state_version";
    TRAINING_SET_BLOCKS = "training_set_blocks" ["block" "branch" "trigger"];
    OUTBOX = "outbox" ["sink" "version"] "bookmark";
}

impl Table {
    /// The statement that writes a whole row with its checksum, by a verb such as `INSERT` or `REPLACE`.
    /// The values are parameters with the names of the columns.
    pub(super) fn insert(&self, verb: &str) -> String {
        let (name, columns) = (self.name, self.columns.join(", "));
        let values = self.columns.join(", :");
        format!(
            "{verb} INTO {name} ({columns}, checksum)
             VALUES (:{values}, row_checksum('{name}', :{values}))"
        )
    }

    /// The statement that writes the checksums of rows that were changed in place.
    pub(super) fn seal(&self, condition: &str) -> String {
        format!("UPDATE {} SET checksum = {} WHERE {condition}", self.name, self.checksum())
    }

    /// The statement that reads whole rows. Column `intact` is true for rows with a valid checksum.
    pub(super) fn select(&self, rest: &str) -> String {
        let (name, columns, checksum) = (self.name, self.columns.join(", "), self.checksum());
        format!("SELECT {columns}, checksum = {checksum} AS intact FROM {name} {rest}")
    }

    /// The statement that reads the keys of rows with an invalid checksum.
    pub(super) fn select_damaged(&self) -> String {
        let (name, keys) = (self.name, self.columns[..self.keys].join(", "));
        let checksum = self.checksum();
        format!("SELECT {keys} FROM {name} NOT INDEXED WHERE checksum <> {checksum}")
    }

    /// The key of a row, for messages.
    pub(super) fn key_of(&self, row: &Row<'_>) -> String {
        let value = |column: &&str| match row.get_ref(*column) {
            Ok(ValueRef::Integer(number)) => format!("{column} {number}"),
            Ok(ValueRef::Text(text)) => format!("{column} `{}`", String::from_utf8_lossy(text)),
            _ => format!("{column} unknown"),
        };
        let keys: Vec<String> = self.columns[..self.keys].iter().map(value).collect();
        keys.join(", ")
    }

    fn checksum(&self) -> String {
        let columns: Vec<String> =
            self.columns.iter().map(|column| format!("{}.{column}", self.name)).collect();
        format!("row_checksum('{}', {})", self.name, columns.join(", "))
    }
}

/// Defines the SQL function `row_checksum(TABLE, VALUE, …)`.
pub(super) fn register(database: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    database.create_scalar_function("row_checksum", -1, flags, |values| Ok(row_checksum(values)))
}

/// The XXH3 hash of all values with their types.
fn row_checksum(values: &Context<'_>) -> i64 {
    let mut hash = Xxh3::new();
    for number in 0..values.len() {
        match values.get_raw(number) {
            ValueRef::Null => hash.update(&[0]),
            ValueRef::Integer(value) => {
                hash.update(&[1]);
                hash.update(&value.to_le_bytes());
            }
            ValueRef::Real(value) => {
                hash.update(&[2]);
                // SQLite stores −0.0 as 0.
                hash.update(&(value + 0.0).to_bits().to_le_bytes());
            }
            ValueRef::Text(bytes) => update(&mut hash, 3, bytes),
            ValueRef::Blob(bytes) => update(&mut hash, 4, bytes),
        }
    }
    hash.digest() as i64
}

fn update(hash: &mut Xxh3, kind: u8, bytes: &[u8]) {
    hash.update(&[kind]);
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// A row of a table.
pub(super) trait Record: Sized {
    /// The table of the row.
    const TABLE: &'static Table;

    /// Creates the value from the columns of a row, by their names.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self>;
}

/// Reads an unsigned number from a column.
pub(super) fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|number| number as u64)
}

/// Reads an unsigned number or NULL from a column.
pub(super) fn optional(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|number| number as u64))
}

/// Creates the error for a value that does not decode.
pub(super) fn undecodable<E>(row: &Row<'_>, column: &str, error: E) -> rusqlite::Error
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let number = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(number, rusqlite::types::Type::Blob, error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_tables_matches_the_database() {
        let mut database = Connection::open_in_memory().expect("memory");
        register(&database).expect("a function");
        super::super::schema::migrate(&mut database).expect("all migrations");
        let query = "SELECT m.name, group_concat(c.name, ' ') FROM sqlite_schema m,
                     pragma_table_info(m.name) c WHERE m.type = 'table' GROUP BY m.name";
        let found = |row: &Row<'_>| {
            let (name, columns): (String, String) = (row.get(0)?, row.get(1)?);
            let mut columns: Vec<String> = columns.split(' ').map(str::to_owned).collect();
            columns.sort();
            Ok((name, columns))
        };
        let mut statement = database.prepare(query).expect("a query");
        let found: Vec<_> =
            statement.query_map([], found).and_then(Iterator::collect).expect("columns");
        let mut listed: Vec<_> = TABLES
            .iter()
            .map(|table| {
                let columns = table.columns.iter().chain(&["checksum"]);
                let mut columns: Vec<String> = columns.map(|name| (*name).to_owned()).collect();
                columns.sort();
                (table.name.to_owned(), columns)
            })
            .collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}
