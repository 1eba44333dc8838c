//! Segments of the log on object stores.

use std::collections::BTreeMap;

use rusqlite::{Row, named_params};

use super::table::{REMOTE_SEGMENTS, Record, Table};
use super::{Catalog, CatalogError};

/// The object of a segment.
struct RemoteSegment {
    segment: String,
    url: String,
}

impl Record for RemoteSegment {
    const TABLE: &'static Table = &REMOTE_SEGMENTS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { segment: row.get("segment")?, url: row.get("url")? })
    }
}

impl Catalog {
    /// Records that segment `name` is going to be written to `url`.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn uploading(&mut self, name: &str, url: &str) -> Result<(), CatalogError> {
        self.commit("recording an upload in", |transaction| {
            let insert = REMOTE_SEGMENTS.insert("REPLACE");
            let row = named_params! {":segment": name, ":url": url, ":complete": 0};
            transaction.execute(&insert, row).map(drop)
        })
    }

    /// Records that the upload of segment `name` is complete.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn remote(&mut self, name: &str) -> Result<(), CatalogError> {
        self.commit("recording a remote segment in", |transaction| {
            let update = "UPDATE remote_segments SET complete = 1 WHERE segment = ?";
            transaction.execute(update, [name])?;
            transaction.execute(&REMOTE_SEGMENTS.seal("segment = ?"), [name]).map(drop)
        })
    }

    /// The URLs of complete objects by the names of their segments.
    pub(super) fn remote_segments(&self) -> Result<BTreeMap<String, String>, CatalogError> {
        let found: Vec<RemoteSegment> = self.read("WHERE complete", [])?;
        Ok(found.into_iter().map(|remote| (remote.segment, remote.url)).collect())
    }

    /// Names and URLs of objects whose segments are no longer in the log. These objects must be removed.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn downloaded(&self) -> Result<Vec<(String, String)>, CatalogError> {
        let rest = "WHERE segment NOT IN (SELECT name FROM segments) ORDER BY segment";
        let found: Vec<RemoteSegment> = self.read(rest, [])?;
        Ok(found.into_iter().map(|remote| (remote.segment, remote.url)).collect())
    }

    /// Records that the object of segment `name` was removed.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn remove_object_record(&mut self, name: &str) -> Result<(), CatalogError> {
        self.commit("recording a removal in", |transaction| {
            transaction.execute("DELETE FROM remote_segments WHERE segment = ?", [name]).map(drop)
        })
    }
}
