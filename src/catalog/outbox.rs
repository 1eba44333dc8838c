//! Versions that are published to sinks.

use std::collections::BTreeMap;

use rusqlite::{Row, named_params};

use super::table::{OUTBOX, Record, Table, unsigned};
use super::{Catalog, CatalogError};

/// The progress of publication to a sink. Versions are published in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// The newest published version.
    pub newest: Option<u64>,
    /// A position in the sink. The sink need not be read back before it.
    pub bookmark: Option<String>,
}

/// A published version.
struct Published {
    version: u64,
    bookmark: Option<String>,
}

/// The newest published version of a sink, and the newest one with a bookmark.
const NEWEST: [&str; 2] = [
    "WHERE sink = ? ORDER BY version DESC LIMIT 1",
    "WHERE sink = ? AND bookmark IS NOT NULL ORDER BY version DESC LIMIT 1",
];

impl Record for Published {
    const TABLE: &'static Table = &OUTBOX;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { version: unsigned(row, "version")?, bookmark: row.get("bookmark")? })
    }
}

impl Catalog {
    /// Records that a version is in a sink.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn published(
        &mut self,
        sink: &str,
        version: u64,
        bookmark: Option<&str>,
    ) -> Result<(), CatalogError> {
        self.commit("recording a publication in", |transaction| {
            let mut insert = transaction.prepare_cached(&OUTBOX.insert("INSERT OR IGNORE"))?;
            let row = named_params! {
                ":sink": sink,
                ":version": version as i64,
                ":bookmark": bookmark,
            };
            insert.execute(row).map(drop)
        })
    }

    /// The progress of publication to a sink.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a row is damaged.
    pub fn outbox(&self, sink: &str) -> Result<Outbox, CatalogError> {
        let [newest, marked] = NEWEST.map(|rest| self.read::<Published>(rest, [sink]));
        Ok(Outbox {
            newest: newest?.pop().map(|published| published.version),
            bookmark: marked?.pop().and_then(|published| published.bookmark),
        })
    }

    /// The pipeline's own versions with weights that are newer than all published versions of a sink, by
    /// number, with the SHA-256 of their descriptions.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn unpublished(&self, sink: &str) -> Result<BTreeMap<u64, String>, CatalogError> {
        let query = "SELECT version, description FROM outcomes INDEXED BY outcomes_by_version
                     WHERE branch = '' AND version IS NOT NULL
                     AND version > (SELECT ifnull(max(version), 0) FROM outbox WHERE sink = ?)
                     AND NOT EXISTS (SELECT 1 FROM expired_versions e
                                     WHERE e.branch = '' AND e.version = outcomes.version)";
        let missing = self
            .rows(query, [sink], |row| Ok((unsigned(row, "version")?, row.get("description")?)))?;
        Ok(missing.into_iter().collect())
    }
}
