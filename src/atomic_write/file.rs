//! Replacing a file by a complete one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{parent, sync_folder};

/// A file that is being written; it is at its place after [`StagedFile::complete`]. If it is dropped
/// before, nothing is left of it.
pub struct StagedFile {
    file: File,
    staged: PathBuf,
    target: PathBuf,
}

impl StagedFile {
    /// Begins a file that will be at `target`. Several processes may write the same file: what is
    /// staged has the number of the process in its name.
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

    /// The place of the file until it is complete.
    pub fn path(&self) -> &Path {
        &self.staged
    }

    /// Makes the file durable and puts it at its place, instead of what is there.
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
        // a complete file has another name.
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
    fn an_incomplete_file_leaves_the_old_one_and_nothing_else() {
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
