//! Which segments of the log are on object stores.

use rusqlite::params;

use super::{Catalog, CatalogError};

impl Catalog {
    /// Records that segment `name` is going to be written to `url`.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn uploading(&mut self, name: &str, url: &str) -> Result<(), CatalogError> {
        self.commit("recording what goes to an object store in", |transaction| {
            let insert = "REPLACE INTO remote_segments VALUES (?, ?, 0)";
            transaction.execute(insert, params![name, url]).map(drop)
        })
    }

    /// Records that segment `name` was written to where it was to go.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remote(&mut self, name: &str) -> Result<(), CatalogError> {
        self.commit("recording what is on an object store in", |transaction| {
            transaction
                .execute("UPDATE remote_segments SET complete = 1 WHERE segment = ?", [name])
                .map(drop)
        })
    }

    /// Objects of segments that are no longer in the log, which are to be removed: names and URLs.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn downloaded(&self) -> Result<Vec<(String, String)>, CatalogError> {
        let query = "SELECT segment, url FROM remote_segments
            WHERE segment NOT IN (SELECT name FROM segments) ORDER BY segment";
        self.rows(query, [], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Records that the object of segment `name` is removed.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget_object(&mut self, name: &str) -> Result<(), CatalogError> {
        self.commit("recording what is removed in", |transaction| {
            transaction.execute("DELETE FROM remote_segments WHERE segment = ?", [name]).map(drop)
        })
    }
}
