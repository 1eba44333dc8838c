//! The history of a run: queries of its state directory.
//!
//! A [`History`] is a snapshot. It opens the catalog for reading and the log up to the length that
//! the catalog recorded. It takes no lock, so the run can continue.
//!
//! The status of a sample in the log is not recorded. It is computed by replaying the log through the
//! operator that the job uses ([`Upsert`](driftmill_operators::flow::Upsert)). The catalog records the
//! status of samples that retention removed. The versions that a deletion taints are found by
//! intersecting bitmaps: retracted samples, and the training set of each version. A differential join
//! would need an arrangement with one row for each sample of each version, a hundred times the size
//! of the bitmaps, for a single query.

mod decisions;
mod error;
mod expired;
mod export;
mod lineage;
mod merge;
mod replay;
mod sample_status;
mod training_set;
mod versions;

pub use decisions::{Evaluation, Trained};
pub use error::HistoryError;
pub use export::ExportSelection;
pub use lineage::{Lineage, Row, SamplePlace, Seen};
pub use sample_status::{SampleStatus, SampleStatuses};
pub use training_set::{SetRow, TrainingSet};
pub use versions::{Ancestor, Part, Tainted, VersionContents};

use std::path::{Path, PathBuf};

use driftmill_operators::{Id, Position};

use crate::catalog::{Catalog, Place};
use crate::config::{Pipeline, recorded};
use crate::source::Partition;
use crate::store::Log;

/// A snapshot of a run.
pub struct History {
    /// The state directory.
    pub state: PathBuf,
    /// The pipeline with which the run was created.
    pub pipeline: Pipeline,
    /// The pipeline of its latest start.
    pub current: Pipeline,
    /// The decisions and versions of the run.
    pub catalog: Catalog,
    /// All partitions.
    pub partitions: Vec<Partition>,
    /// The durable samples of the run.
    pub log: Log,
}

/// Maximum number of attempts to open a run whose job removes segments at the same time.
const OPEN_ATTEMPTS: u32 = 5;

impl History {
    /// Opens the state directory `state` for reading.
    ///
    /// # Errors
    /// When there is no run in it, or it cannot be read.
    pub fn open(state: &Path) -> Result<Self, HistoryError> {
        let mut attempts = 1..OPEN_ATTEMPTS;
        loop {
            match Self::try_open(state) {
                Err(error) if error.is_missing_file() && attempts.next().is_some() => {}
                found => return found,
            }
        }
    }

    fn try_open(state: &Path) -> Result<Self, HistoryError> {
        let path = state.join("catalog.sqlite");
        if !path.exists() {
            return Err(HistoryError::NoRun(state.to_owned()));
        }
        let catalog = Catalog::view(&path)?;
        let run = catalog.run()?;
        let [pipeline, current] = [&run.pipeline, &run.current]
            .map(|json| recorded(json).and_then(serde_json::from_value));
        let log = Log::view(&state.join("log"), &catalog.segments()?)?;
        let partitions = catalog.partitions()?;
        let (pipeline, current) = (pipeline?, current?);
        Ok(Self { state: state.to_owned(), pipeline, current, catalog, partitions, log })
    }

    /// A position in readable form.
    pub fn place(&self, position: Position) -> Place {
        Place::of(&self.partitions, position)
    }

    /// The id of a sample with the name `TOPIC/PARTITION/OFFSET`.
    ///
    /// # Errors
    /// When the run has no such partition, or the text has another form.
    pub fn id(&self, sample: &str) -> Result<Id, HistoryError> {
        let wrong = || HistoryError::Sample(sample.to_owned());
        // names of files can contain slashes.
        let mut parts = sample.rsplitn(3, '/');
        let offset: u64 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let number: u16 = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let topic = parts.next().filter(|_| offset <= Id::MAX_OFFSET).ok_or_else(wrong)?;
        let same = |part: &&Partition| part.topic == topic && part.partition == number;
        let unknown = || {
            let known =
                self.partitions.iter().map(|part| format!("{}/{}", part.topic, part.partition));
            HistoryError::Partition { name: format!("{topic}/{number}"), known: known.collect() }
        };
        Ok(self.partitions.iter().find(same).ok_or_else(unknown)?.id(offset))
    }

    /// The name of a branch for users: that of the pipeline for its own branch, else the branch's key
    /// without a leading slash.
    pub fn name_of<'a>(&'a self, branch: &'a str) -> &'a str {
        if branch.is_empty() { &self.pipeline.name } else { branch.trim_start_matches('/') }
    }
}
