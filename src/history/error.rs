//! Errors of queries about a run's history.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::catalog::CatalogError;
use crate::store::StoreError;

/// The error of a query about a run's history.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The folder is not the state directory of a run.
    #[error("`{}` is not the state directory of a run", .0.display())]
    NoRun(PathBuf),
    /// The text is not the name of a sample.
    #[error(
        "`{0}` does not name a sample\nhint: wanted TOPIC/PARTITION/OFFSET, as in electricity/0/17"
    )]
    Sample(String),
    /// The run does not read this partition.
    #[error("the run reads no partition `{name}`, but {}", known.join(", "))]
    Partition {
        /// The name in the query.
        name: String,
        /// The partitions that the run reads.
        known: Vec<String>,
    },
    /// The run has read no data that matches the query.
    #[error("{0}")]
    Unknown(String),
    /// This program cannot read the recorded pipeline.
    #[error("reading the run's pipeline")]
    Pipeline(#[from] serde_json::Error),
    /// A file cannot be written.
    #[error("writing `{}`", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A Parquet file cannot be written.
    #[error("writing `{}`", path.display())]
    Parquet {
        /// The path of the file.
        path: PathBuf,
        /// The error of the Parquet library.
        source: parquet::errors::ParquetError,
    },
    /// Arrow returned an error.
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

    /// Whether a file of the log is missing.
    pub(super) fn is_missing_file(&self) -> bool {
        matches!(self, Self::Store(StoreError::NotFound { .. }))
    }

    /// Whether the query is wrong, and not the run.
    pub fn is_usage(&self) -> bool {
        let asked = matches!(self, Self::NoRun(_) | Self::Sample(_) | Self::Unknown(_));
        asked || matches!(self, Self::Partition { .. })
    }
}
