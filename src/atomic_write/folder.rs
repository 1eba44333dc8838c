//! Replacing a folder by a complete one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{parent, sync_folder};

/// A folder that is being written. [`StagedFolder::complete`] puts it at its destination.
pub struct StagedFolder {
    staged: PathBuf,
    target: PathBuf,
}

impl StagedFolder {
    /// Begins a folder for `target`. Remains of an earlier attempt after a crash are removed.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn begin(target: &Path) -> io::Result<Self> {
        let staged = sibling(target, "staged");
        clear(&staged)?;
        clear(&sibling(target, "replaced"))?;
        fs::create_dir_all(&staged)?;
        Ok(Self { staged, target: target.to_owned() })
    }

    /// Writes a file of the folder.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(self.staged.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Copies a file into the folder, under its own name.
    ///
    /// # Errors
    /// When `from` cannot be read or names no file, or the file system refuses.
    pub fn copy(&self, from: &Path) -> io::Result<()> {
        let name = from.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let to = self.staged.join(name);
        fs::copy(from, &to)?;
        File::open(&to)?.sync_all()
    }

    /// Makes all files durable. They are not at their destination yet.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn sync(&self) -> io::Result<()> {
        sync_folder(&self.staged)
    }

    /// Moves the folder to its destination, where it replaces an existing folder. For an instant there is
    /// no folder.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn complete(self) -> io::Result<()> {
        self.sync()?;
        let replaced = sibling(&self.target, "replaced");
        if self.target.exists() {
            fs::rename(&self.target, &replaced)?;
        }
        fs::rename(&self.staged, &self.target)?;
        sync_folder(parent(&self.target))?;
        clear(&replaced)
    }
}

/// A hidden name next to `target`.
fn sibling(target: &Path, what: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{what}-{name}"))
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        cleared => cleared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_folder_replaces_the_existing_one() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("1");
        let write = |text: &str| {
            let staged = StagedFolder::begin(&target).unwrap();
            staged.write("text", text.as_bytes()).unwrap();
            staged
        };
        write("old").complete().unwrap();
        drop(write("left by a crash"));
        assert_eq!(fs::read(target.join("text")).unwrap(), b"old");
        write("new").complete().unwrap();
        assert_eq!(fs::read(target.join("text")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
