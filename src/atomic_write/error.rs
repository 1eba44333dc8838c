//! The error of an operation on a file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// An operation on a file failed.
#[derive(Debug, Error)]
#[error("{action} `{}`", path.display())]
pub struct FileError {
    /// The action that failed, as in `writing`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The reason that the system gives.
    pub source: io::Error,
}

impl FileError {
    /// Makes an error of `action` on `path` from the reason that the system gives.
    pub fn of<E: From<Self>>(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> E {
        let path = path.into();
        move |source| Self { action, path, source }.into()
    }
}
