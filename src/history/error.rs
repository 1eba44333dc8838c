//! Why the history of a run cannot be read.

use std::path::{Path, PathBuf};

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
    /// A file cannot be written.
    #[error("writing `{}`", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The reason that the system gives.
        source: std::io::Error,
    },
    /// A Parquet file cannot be written.
    #[error("writing `{}`", path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// What Parquet said.
        source: parquet::errors::ParquetError,
    },
    /// Arrow refused.
    #[error("encoding samples")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HistoryError {
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub(super) fn parquet(path: &Path) -> impl Fn(parquet::errors::ParquetError) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Parquet { path: path.clone(), source }
    }

    /// Whether a file of the log is not there.
    pub(super) fn is_missing_file(&self) -> bool {
        matches!(self, Self::Store(StoreError::Gone { .. }))
    }

    /// Whether it is the question that is wrong, not the run.
    pub fn is_usage(&self) -> bool {
        let asked = matches!(self, Self::NoRun(_) | Self::Sample(_) | Self::Unknown(_));
        asked || matches!(self, Self::Partition { .. })
    }
}
