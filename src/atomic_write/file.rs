//! Replacing a file by a complete one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{parent, sync_folder};

/// A file that is being written. [`StagedFile::complete`] puts it at its destination. If it is dropped
/// before, it is removed.
pub struct StagedFile {
    file: File,
    staged: PathBuf,
    target: PathBuf,
}

impl StagedFile {
    /// Begins a file for `target`. Several processes may write the same file, because the name of the
    /// staged file contains the number of the process.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn begin(target: &Path) -> io::Result<Self> {
        let staged = target.with_added_extension(format!("{}.staged", std::process::id()));
        Ok(Self { file: File::create(&staged)?, staged, target: target.to_owned() })
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// The path of the file until it is complete.
    pub fn path(&self) -> &Path {
        &self.staged
    }

    /// Makes the file durable and moves it to its destination, where it replaces an existing file.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn complete(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.staged, &self.target)?;
        sync_folder(parent(&self.target))
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        // after `complete` the staged name no longer exists.
        drop(fs::remove_file(&self.staged));
    }
}

/// Replaces the file at `path` by one with these bytes.
///
/// # Errors
/// When the file system refuses.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut staged = StagedFile::begin(path)?;
    staged.file().write_all(bytes)?;
    staged.complete()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_file_leaves_only_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace_file(&path, b"old").unwrap();
        let mut staged = StagedFile::begin(&path).unwrap();
        staged.file().write_all(b"half").unwrap();
        drop(staged);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        replace_file(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
