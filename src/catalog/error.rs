//! Errors of the catalog and the model store.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic_write::FileError;

/// The error of an operation on the catalog or the model store.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// SQLite failed.
    #[error("{action} `catalog.sqlite`")]
    Database {
        /// The action that failed.
        action: &'static str,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The file system failed.
    #[error(transparent)]
    Io(#[from] FileError),
    /// The catalog was written by another version of this program.
    #[error(
        "the catalog `{}` has format {format}, this program supports {known}\n\
         hint: use the version of driftmill that wrote it, or start a new run with --fresh",
        path.display()
    )]
    Format {
        /// The path of the catalog.
        path: PathBuf,
        /// Its format.
        format: i64,
        /// The formats that can be opened.
        known: String,
    },
    /// A catalog of an earlier format cannot be migrated.
    #[error("migrating the catalog `{}`", path.display())]
    Migration {
        /// The path of the catalog.
        path: PathBuf,
        /// The error of the migration.
        source: rusqlite_migration::Error,
    },
    /// A row differs from the written one.
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
    /// A file of a version differs from the recorded one.
    #[error(
        "the {file} of version {version} and the catalog do not match\n\
         hint: `driftmill verify` checks all files of a run"
    )]
    Other {
        /// The kind of the file.
        file: &'static str,
        /// The version.
        version: u64,
    },
    /// A `version.json` does not decode.
    #[error("`{}` does not describe a model version", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The error with its position.
        source: serde_json::Error,
    },
}

impl CatalogError {
    /// Whether the content differs from what was written, or cannot be read by this program.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Database { source, .. } => is_damage(source),
            Self::Migration { source, .. } => match source {
                rusqlite_migration::Error::RusqliteError { err, .. } => is_damage(err),
                _ => true,
            },
            Self::Io(error) => error.source.kind() == std::io::ErrorKind::InvalidData,
            Self::Format { .. } | Self::Row { .. } | Self::Version { .. } | Self::Other { .. } => {
                true
            }
        }
    }

    /// Creates the error for a policy state that does not decode. `branch` is a branch or a shadow in the
    /// catalog.
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
        FileError::of(action, path)
    }
}

/// Whether SQLite found data that differs from what was written. All statements belong to this program, so
/// a statement that does not compile means that the schema is damaged.
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
