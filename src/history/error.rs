use std::path::PathBuf;

use thiserror::Error;

use crate::catalog::CatalogError;
use crate::store::StoreError;

/// Why the past of a run could not be read.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// There is no run.
    #[error("`{}` is not the state directory of a run", .0.display())]
    NoRun(PathBuf),
    /// What names a sample does not.
    #[error(
        "`{0}` does not name a sample\nhint: wanted TOPIC/PARTITION/OFFSET, as in electricity/0/17"
    )]
    Sample(String),
    /// The run does not read that partition.
    #[error("the run reads no partition `{name}`, but {}", known.join(", "))]
    Partition {
        /// As it was asked for.
        name: String,
        /// Those it reads.
        known: Vec<String>,
    },
    /// Nothing of what was asked for was read so far.
    #[error("{0}")]
    Unknown(String),
    /// The recorded pipeline is not one that this program knows.
    #[error("reading the run's pipeline")]
    Pipeline(#[from] serde_json::Error),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HistoryError {
    /// Whether it is the question that is wrong, not the run.
    pub fn is_usage(&self) -> bool {
        let asked = matches!(self, Self::NoRun(_) | Self::Sample(_) | Self::Unknown(_));
        asked || matches!(self, Self::Partition { .. })
    }
}
