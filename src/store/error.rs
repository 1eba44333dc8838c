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
        /// What was attempted: `writing`, `mapping`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Arrow refused.
    #[error("encoding a batch of the log")]
    Encode(#[from] arrow::error::ArrowError),
    /// The bytes are not what was written.
    #[error("`{}` is damaged at byte {at}: {detail}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
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
    /// A segment is on its object store alone; whoever asked has it fetched, and asks again.
    #[error("segment {segment} is on its object store")]
    Remote {
        /// The name of its files.
        segment: String,
    },
    /// An object store could not be reached, or refused.
    #[error("{action} `{url}`")]
    Tier {
        /// What was attempted: `reading`, `writing`.
        action: &'static str,
        /// Which object.
        url: String,
        /// What was said.
        source: Box<object_store::Error>,
    },
    /// A segment could not be written as Parquet, or read.
    #[error("a segment as Parquet: `{place}`")]
    Parquet {
        /// The segment's file, or the object's URL.
        place: String,
        /// What is wrong.
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

    /// Whether something is not what was written.
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
