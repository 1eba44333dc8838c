//! Errors of the catalog and the model store.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the catalog or the model store could not be written or read.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// SQLite failed.
    #[error("{action} `catalog.sqlite`")]
    Database {
        /// The action that failed.
        action: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file system failed.
    #[error("{action} `{}`", path.display())]
    Io {
        /// The action that failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason that the system gives.
        source: std::io::Error,
    },
    /// It was written by another version of this program.
    #[error(
        "the catalog `{}` has format {format}, this program knows {known}\n\
         hint: use the program that wrote it, or start a new run with --fresh",
        path.display()
    )]
    Format {
        /// Where it is.
        path: PathBuf,
        /// Its format.
        format: i64,
        /// The formats that can be opened.
        known: String,
    },
    /// An earlier format cannot be brought up to date.
    #[error("migrating the catalog `{}`", path.display())]
    Migration {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: rusqlite_migration::Error,
    },
    /// A row is not what was written.
    #[error(
        "`catalog.sqlite` is damaged: table {table}, {row}: {detail}\n\
         hint: `driftmill verify` checks all files of a run"
    )]
    Row {
        /// The table.
        table: &'static str,
        /// The key of the row.
        row: String,
        /// The problem.
        detail: String,
    },
    /// A file of a version is not the one that was recorded.
    #[error(
        "the {file} of version {version} and the catalog do not match\n\
         hint: `driftmill verify` checks all files of a run"
    )]
    Other {
        /// Which one.
        file: &'static str,
        /// The version.
        version: u64,
    },
    /// A `version.json` does not decode.
    #[error("`{}` does not describe a model version", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

impl CatalogError {
    /// Whether a file does not hold what was written, or what this program can read.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Database { source, .. } => is_damage(source),
            Self::Migration { source, .. } => match source {
                rusqlite_migration::Error::RusqliteError { err, .. } => is_damage(err),
                _ => true,
            },
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::InvalidData,
            Self::Format { .. } | Self::Row { .. } | Self::Version { .. } | Self::Other { .. } => {
                true
            }
        }
    }

    /// The state of a policy does not decode; `branch` is a branch or a shadow as in the catalog.
    pub fn checkpoint(table: &'static str, branch: &str, error: impl ToString) -> Self {
        Self::Row { table, row: format!("branch `{branch}`"), detail: error.to_string() }
    }

    pub(super) fn database(action: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| Self::Database { action, source }
    }

    pub(super) fn migration(path: &Path) -> impl FnOnce(rusqlite_migration::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Migration { path, source }
    }

    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// Whether SQLite found something else than what was written. All statements are of this program, so
/// one that does not compile meets another schema.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
    let unread = matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::InvalidColumnName(..)
            | Error::SqlInputError { .. }
            | Error::Utf8Error(..)
            | Error::QueryReturnedNoRows
    );
    let code = error.sqlite_error_code();
    unread || code.is_some_and(|code| matches!(code, DatabaseCorrupt | NotADatabase | Unknown))
}
