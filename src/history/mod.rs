//! The past of a run: what its state directory says, read without disturbing it.
//!
//! Everything here opens the catalog for reading only and sees it, and the log as far as it was
//! durable then, as of one moment; it takes no lock, so that a run may go on meanwhile.
//!
//! What became of samples is not recorded while they are in the log: it follows from the log, and is
//! found by showing the log to the same operator that the job has
//! ([`Upsert`](driftmill_operators::flow::Upsert)). Of what retention removed the catalog knows it.
//! What a deletion taints is then an intersection of bitmaps, the samples that are gone and each
//! version's training set. As a differential join it would be an arrangement of one row for each
//! sample of each version, a hundred times the size of the bitmaps, built to be asked once.

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
pub use export::Wanted;
pub use lineage::{Lineage, Row, SamplePlace, Seen};
pub use sample_status::{SampleStatus, SampleStatuses};
pub use training_set::{SetRow, TrainingSet};
pub use versions::{Ancestor, Part, Tainted, VersionContents};

use std::path::{Path, PathBuf};

use driftmill_operators::{Id, Position};

use crate::catalog::{Catalog, Place};
use crate::config::Pipeline;
use crate::job;
use crate::source::Partition;
use crate::store::Log;

/// A run as its state directory has it at one moment.
pub struct History {
    /// The state directory.
    pub state: PathBuf,
    /// The pipeline that the run began with.
    pub pipeline: Pipeline,
    /// The one that it was started with last.
    pub current: Pipeline,
    /// What was decided.
    pub catalog: Catalog,
    /// All partitions.
    pub partitions: Vec<Partition>,
    /// What was read, as far as it is durable.
    pub log: Log,
}

/// How often a run is looked at whose job removes segments just then.
const LOOKS: u32 = 5;

impl History {
    /// Opens the state directory `state` for reading.
    ///
    /// # Errors
    /// When there is no run in it, or it cannot be read.
    pub fn open(state: &Path) -> Result<Self, HistoryError> {
        let mut looks = 1..LOOKS;
        loop {
            match Self::look(state) {
                Err(error) if error.is_missing_file() && looks.next().is_some() => {}
                found => return found,
            }
        }
    }

    fn look(state: &Path) -> Result<Self, HistoryError> {
        let path = state.join("catalog.sqlite");
        if !path.exists() {
            return Err(HistoryError::NoRun(state.to_owned()));
        }
        let catalog = Catalog::view(&path)?;
        let run = catalog.run()?;
        let [pipeline, current] =
            [&run.pipeline, &run.current].map(|json| serde_json::from_str(json));
        let log = Log::view(&state.join("log"), &catalog.segments()?)?;
        let partitions = catalog.partitions()?;
        let (pipeline, current) = (pipeline?, current?);
        Ok(Self { state: state.to_owned(), pipeline, current, catalog, partitions, log })
    }

    /// A position as people read it.
    pub fn place(&self, position: Position) -> Place {
        job::place(&self.partitions, position)
    }

    /// The id of a sample that is named `TOPIC/PARTITION/OFFSET`.
    ///
    /// # Errors
    /// When the run has no such partition, or the text is none.
    pub fn id(&self, sample: &str) -> Result<Id, HistoryError> {
        let wrong = || HistoryError::Sample(sample.to_owned());
        // names of files have slashes, too.
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

    /// What a branch is called: the pipeline's own by the name of the model, models beside it by what
    /// they are.
    pub fn name_of<'a>(&'a self, branch: &'a str) -> &'a str {
        if branch.is_empty() { &self.pipeline.name } else { branch.trim_start_matches('/') }
    }
}
