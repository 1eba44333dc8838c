use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The state directory of a run, which belongs to one process at a time.
pub struct StateDirectory {
    path: PathBuf,
    /// Locked until the process ends, however it ends.
    _lock: File,
}

/// Why a state directory cannot be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// Another process has it.
    #[error(
        "the state directory `{}` is in use by process {holder}\n\
         hint: wait for it to end, or name another directory with --state",
        path.display()
    )]
    Held {
        /// The directory.
        path: PathBuf,
        /// Id of the process, as it wrote it.
        holder: String,
    },
    /// It holds a run that has ended.
    #[error(
        "`{}` holds an earlier run, which this version cannot resume\n\
         hint: name another directory with --state, or remove this one",
        path.display()
    )]
    Used {
        /// The directory.
        path: PathBuf,
    },
    /// The file system refused.
    #[error(
        "opening the state directory `{}`: {reason}\n\
         hint: name a directory that can be written with --state",
        path.display()
    )]
    Io {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl StateDirectory {
    /// Creates the directory for a new run and locks it for this process.
    ///
    /// # Errors
    /// When it cannot be created, another process has it, or it holds an earlier run.
    pub fn create(path: &Path) -> Result<Self, StateError> {
        let failed = |reason| StateError::Io { path: path.to_owned(), reason };
        std::fs::create_dir_all(path).map_err(failed)?;
        let state = Self::open(path)?;
        match state.path.join("catalog.sqlite").exists() {
            true => Err(StateError::Used { path: state.path }),
            false => Ok(state),
        }
    }

    /// Locks a directory that is there.
    ///
    /// # Errors
    /// When it cannot be locked, or another process has it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |reason| StateError::Io { path: path.to_owned(), reason };
        // absolute: versions refer to files in it.
        let path = path.canonicalize().map_err(failed)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut lock = options.open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                lock.read_to_string(&mut holder).map_err(failed)?;
                return Err(StateError::Held { path, holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(reason)) => return Err(failed(reason)),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_and_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let held = StateDirectory::create(&path).unwrap();
        let refused = StateDirectory::create(&path).err().unwrap().to_string();
        assert!(refused.contains(&format!("by process {}", std::process::id())), "{refused}");
        drop(held);
        let held = StateDirectory::create(&path).unwrap();
        std::fs::write(held.path().join("catalog.sqlite"), "").unwrap();
        drop(held);
        assert!(matches!(StateDirectory::create(&path), Err(StateError::Used { .. })));
    }
}
