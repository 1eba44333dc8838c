//! Versions that are published to sinks.

use std::collections::BTreeSet;

use rusqlite::{Row, named_params};

use super::table::{OUTBOX, Record, Table, unsigned};
use super::{Catalog, CatalogError};

/// The published versions of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// The versions.
    pub versions: BTreeSet<u64>,
    /// Up to where the sink need not be read back.
    pub bookmark: Option<String>,
}

/// A published version.
struct Published {
    version: u64,
    bookmark: Option<String>,
}

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

    /// What was published to a sink.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a row is damaged.
    pub fn outbox(&self, sink: &str) -> Result<Outbox, CatalogError> {
        let published: Vec<Published> = self.read("WHERE sink = ? ORDER BY version", [sink])?;
        let bookmark = published.iter().rev().find_map(|published| published.bookmark.clone());
        let versions = published.into_iter().map(|published| published.version).collect();
        Ok(Outbox { versions, bookmark })
    }
}
