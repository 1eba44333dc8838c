//! Why the log cannot be written or read.

use std::path::PathBuf;

use driftmill_operators::Id;
use thiserror::Error;

/// Why the log could not be written or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{action} `{}`", path.display())]
    Io {
        /// The action that failed: `writing`, `mapping`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason that the system gives.
        source: std::io::Error,
    },
    /// Arrow refused.
    #[error("encoding a batch of the log")]
    Encode(#[from] arrow::error::ArrowError),
    /// The bytes are damaged.
    #[error("`{}` is damaged at byte {at}: {detail}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// The byte offset.
        at: u64,
        /// The problem.
        detail: String,
    },
    /// A file that was written is not there.
    #[error(
        "`{}` is missing\nhint: bring it back from a backup, or begin a new run with --fresh",
        path.display()
    )]
    Gone {
        /// Which one.
        path: PathBuf,
    },
    /// A segment is on its object store alone; it is fetched, and the read is tried again.
    #[error("segment {segment} is on its object store")]
    Remote {
        /// The name of its files.
        segment: String,
    },
    /// An object store could not be reached, or refused.
    #[error("{action} `{url}`")]
    Tier {
        /// The action that failed: `reading`, `writing`.
        action: &'static str,
        /// Which object.
        url: String,
        /// The message.
        source: Box<object_store::Error>,
    },
    /// A segment could not be written as Parquet, or read.
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
    /// A file that was written cannot be opened.
    pub(super) fn opening(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::NotFound => Self::Gone { path },
            _ => Self::Io { action: "opening", path, source },
        }
    }

    /// Whether it means that data is damaged.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::Gone { .. } | Self::Parquet { .. })
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
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
