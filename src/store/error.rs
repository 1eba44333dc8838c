//! Errors of writing and reading the log.

use std::path::PathBuf;

use driftmill_operators::Id;
use thiserror::Error;

use crate::atomic_write::FileError;

/// The error if the log cannot be written or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system returned an error.
    #[error(transparent)]
    Io(#[from] FileError),
    /// Arrow returned an error.
    #[error("encoding a batch of the log")]
    Encode(#[from] arrow::error::ArrowError),
    /// The bytes are damaged.
    #[error("`{}` is damaged at byte {at}: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The byte offset.
        at: u64,
        /// The problem.
        detail: String,
    },
    /// A file that was written is missing.
    #[error(
        "`{}` is missing\nhint: restore it from a backup, or start a new run with --fresh",
        path.display()
    )]
    NotFound {
        /// The path of the file.
        path: PathBuf,
    },
    /// A segment is only on its object store. It is fetched, and the read is repeated.
    #[error("segment {segment} is on its object store")]
    Remote {
        /// The name of its files.
        segment: String,
    },
    /// An object store could not be reached, or returned an error.
    #[error("{action} `{url}`")]
    Tier {
        /// The action that failed: `reading`, `writing`.
        action: &'static str,
        /// The object's URL.
        url: String,
        /// The error.
        source: Box<object_store::Error>,
    },
    /// A segment could not be encoded as Parquet, or decoded.
    #[error("a segment as Parquet: `{place}`")]
    Parquet {
        /// The segment's file, or the object's URL.
        place: String,
        /// The problem.
        source: parquet::errors::ParquetError,
    },
    /// No row of the log has this id.
    #[error("sample {0:?} (topic/partition/offset) is not in the log")]
    Missing(Id),
}

impl StoreError {
    /// Creates the error for a written file that cannot be opened.
    pub(super) fn opening(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound { path },
            _ => FileError::of("opening", path)(source),
        }
    }

    /// Whether the error means that data is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::NotFound { .. } | Self::Parquet { .. })
    }

    pub(super) fn tier(
        action: &'static str,
        url: &str,
    ) -> impl FnOnce(object_store::Error) -> Self + use<> {
        let url = url.to_owned();
        move |source| Self::Tier { action, url, source: Box::new(source) }
    }

    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        FileError::of(action, path)
    }
}
