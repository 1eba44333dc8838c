//! The run, its partitions, and the durable length of its log.

use super::run_record::{RunRecord, insert_partitions};
use super::table::RUN;
use super::{Catalog, CatalogError};
use crate::source::Partition;
use crate::store::SegmentLength;

impl Catalog {
    /// The run.
    ///
    /// # Errors
    /// When SQLite cannot read it, or it is damaged.
    pub fn run(&self) -> Result<RunRecord, CatalogError> {
        self.read("", [])?
            .pop()
            .ok_or(rusqlite::Error::QueryReturnedNoRows)
            .map_err(CatalogError::database("reading the run in"))
    }

    /// Records the pipeline and the arithmetic with which the run is started.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_started(&mut self, pipeline: &str, arithmetic: &str) -> Result<(), CatalogError> {
        self.commit("recording the start in", |transaction| {
            let update = "UPDATE run SET current = ?, arithmetic = ?";
            transaction.execute(update, [pipeline, arithmetic])?;
            transaction.execute(&RUN.seal("true"), []).map(drop)
        })
    }

    /// Records whether the stream has ended.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_complete(&mut self, complete: bool) -> Result<(), CatalogError> {
        self.commit("completing the run in", |transaction| {
            transaction.execute("UPDATE run SET complete = ?", [complete])?;
            transaction.execute(&RUN.seal("true"), []).map(drop)
        })
    }

    /// Whether anything was read or decided.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn has_started(&self) -> Result<bool, CatalogError> {
        let query = "SELECT EXISTS (SELECT 1 FROM segments) OR EXISTS (SELECT 1 FROM decisions)";
        let started = self.database.query_row(query, [], |row| row.get(0));
        started.map_err(CatalogError::database("reading"))
    }

    /// The partitions with their bounds, in the order in which they were recorded.
    ///
    /// # Errors
    /// When SQLite cannot read them, or one is damaged.
    pub fn partitions(&self) -> Result<Vec<Partition>, CatalogError> {
        self.read("ORDER BY number", [])
    }

    /// Records new bounds.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn set_partitions(&mut self, partitions: &[Partition]) -> Result<(), CatalogError> {
        self.commit("recording bounds in", |transaction| {
            transaction.execute("DELETE FROM partitions", [])?;
            insert_partitions(transaction, partitions)
        })
    }

    /// The durable length of each segment of the log.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a row is damaged.
    pub fn segments(&self) -> Result<Vec<SegmentLength>, CatalogError> {
        let mut remote = self.remote_segments()?;
        let mut segments: Vec<SegmentLength> = self.read("ORDER BY name", [])?;
        for segment in &mut segments {
            segment.remote = remote.remove(&segment.name);
        }
        Ok(segments)
    }
}
