use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::{Catalog, CatalogError};

/// What is known to be in a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// The versions.
    pub versions: BTreeSet<u64>,
    /// Up to where the sink need not be read back.
    pub bookmark: Option<String>,
}

impl Catalog {
    /// Records that a version is in a sink.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn published(
        &mut self,
        sink: &str,
        version: u64,
        bookmark: Option<&str>,
    ) -> Result<(), CatalogError> {
        self.commit("recording a publication in", |transaction| {
            let mut insert =
                transaction.prepare_cached("INSERT OR IGNORE INTO outbox VALUES (?, ?, ?)")?;
            insert.execute(params![sink, version as i64, bookmark]).map(|_| ())
        })
    }

    /// What was published to a sink.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn outbox(&self, sink: &str) -> Result<Outbox, CatalogError> {
        let failed = || CatalogError::database("reading");
        let query = "SELECT version FROM outbox WHERE sink = ?";
        let versions = self.rows(query, [sink], |row| row.get::<_, i64>(0))?;
        let query = "SELECT bookmark FROM outbox WHERE sink = ? AND bookmark IS NOT NULL
                     ORDER BY version DESC LIMIT 1";
        let bookmark = self
            .database
            .query_row(query, [sink], |row| row.get(0))
            .optional()
            .map_err(failed())?
            .flatten();
        Ok(Outbox { versions: versions.into_iter().map(|v| v as u64).collect(), bookmark })
    }
}
