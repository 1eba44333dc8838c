use std::path::PathBuf;

use thiserror::Error;

/// Why the catalog or the model store could not be written or read.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// The database refused.
    #[error("{action} the catalog")]
    Database {
        /// What was attempted.
        action: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("{action} `{}`", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was written by another version of this program.
    #[error(
        "the catalog `{}` has format {format}, this program knows {known}\n\
         hint: go on with the program that wrote it, or start a new run with --fresh",
        path.display()
    )]
    Format {
        /// Where it is.
        path: PathBuf,
        /// Its format.
        format: i64,
        /// The format that can be read.
        known: i64,
    },
    /// A recorded state is not one.
    #[error("the catalog holds a state that cannot be restored: {0}")]
    State(String),
    /// A file of a version is another.
    #[error(
        "the {file} of version {version} are not those that were recorded\n\
         hint: `driftmill verify` looks at all files of a run"
    )]
    Other {
        /// Which one.
        file: &'static str,
        /// The version.
        version: u64,
    },
    /// A version file is not one.
    #[error("`{}` does not describe a model version", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

impl CatalogError {
    /// Whether something is not what was written.
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Database { source, .. } => {
                let code = source.sqlite_error_code();
                let unread = matches!(
                    source,
                    rusqlite::Error::FromSqlConversionFailure(..)
                        | rusqlite::Error::IntegralValueOutOfRange(..)
                        | rusqlite::Error::InvalidColumnType(..)
                        | rusqlite::Error::QueryReturnedNoRows
                );
                unread || code.is_some_and(|code| matches!(code, DatabaseCorrupt | NotADatabase))
            }
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::InvalidData,
            Self::State(_) | Self::Version { .. } | Self::Other { .. } => true,
            Self::Format { .. } => false,
        }
    }

    pub(super) fn database(action: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Database { action, source }
    }

    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
