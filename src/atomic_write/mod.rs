//! Atomic writes: after a crash a file or folder has its old contents or its new ones, never a part.
//!
//! They are staged next to their destination, synced and renamed. Then the parent folder is synced.

mod error;
mod file;
mod folder;

pub use error::FileError;
pub use file::{StagedFile, replace_file};
pub use folder::StagedFolder;

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes the names in a folder durable.
///
/// # Errors
/// When the file system refuses.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The parent folder of `path`.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
