//! The state directory of a run and its lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The state directory of a run, which belongs to one process at a time.
pub struct StateDirectory {
    path: PathBuf,
    /// The lock. It is held until this is dropped or the process ends in any way.
    lock: File,
}

/// The reason why a state directory cannot be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// Another process uses it.
    #[error(
        "the state directory `{}` is in use by process {holder}\n\
         hint: wait for it to end, or name another state directory",
        path.display()
    )]
    Held {
        /// The directory.
        path: PathBuf,
        /// Id of that process, which it wrote there.
        holder: String,
    },
    /// It contains files of a run, but no catalog.
    #[error(
        "`{}` holds the log or the versions of a run, but its catalog is empty or missing\n\
         hint: restore `catalog.sqlite` from a backup, or start a new run in another directory \
         with --state",
        path.display()
    )]
    NoCatalog {
        /// The directory.
        path: PathBuf,
    },
    /// It contains a run of another pipeline.
    #[error(
        "the run in `{}` was created with another pipeline, and its decisions depend on {}\n\
         hint: undo the change, or start a new run next to it with --fresh",
        path.display(),
        keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
    )]
    Changed {
        /// The directory.
        path: PathBuf,
        /// Keys of the pipeline file that differ.
        keys: Vec<String>,
    },
    /// It is not the directory of process 0.
    #[error(
        "`{}` is not the state directory of process 0\n\
         hint: is it the same shared directory? name it with --state, on a file system that all \
         processes see",
        path.display()
    )]
    Elsewhere {
        /// The directory.
        path: PathBuf,
    },
    /// The file system returned an error.
    #[error(
        "opening the state directory `{}`\n\
         hint: name a writable directory with --state",
        path.display()
    )]
    Io {
        /// The directory.
        path: PathBuf,
        /// The error of the system.
        #[source]
        reason: std::io::Error,
    },
}

impl StateDirectory {
    /// Creates the directory if it is missing, and locks it for this process.
    ///
    /// # Errors
    /// When it cannot be created, or another process uses it.
    pub fn create(path: &Path) -> Result<Self, StateError> {
        let failed = |reason| StateError::Io { path: path.to_owned(), reason };
        std::fs::create_dir_all(path).map_err(failed)?;
        Self::open(path)
    }

    /// The path for a new run, which no run uses: `path` itself, else `path.2`, `path.3`, …
    pub fn unused(path: &Path) -> PathBuf {
        let free = |path: &PathBuf| !catalog_in(path).exists();
        family(path).find(free).expect("the numbers are unlimited")
    }

    /// The newest of several runs next to each other; `path` itself if there is none.
    pub fn newest(path: &Path) -> PathBuf {
        let used = |path: &PathBuf| catalog_in(path).exists();
        family(path).take_while(used).last().unwrap_or_else(|| path.to_owned())
    }

    /// Locks an existing directory.
    ///
    /// # Errors
    /// When it cannot be locked, or another process uses it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |reason| StateError::Io { path: path.to_owned(), reason };
        // absolute, because versions refer to files in it.
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
        Ok(Self { path, lock })
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last part of the path.
    pub(in crate::job) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Writes the name of a job of several processes for the other processes.
    pub(in crate::job) fn mark(&self, job: &str) -> Result<(), StateError> {
        let path = self.path.join(MARK);
        // not renamed: on a network file system another process might still see the old file.
        let written = File::create(&path)
            .and_then(|mut file| file.write_all(job.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|reason| StateError::Io { path, reason })
    }

    /// The path at which this process finds the directory that process 0 marked for `job`: `path`, or a
    /// directory next to it if it has another name.
    pub(in crate::job) fn marked(
        path: &Path,
        name: &str,
        job: &str,
    ) -> Result<PathBuf, StateError> {
        let own = path.file_name().unwrap_or_default().to_string_lossy();
        let irreducible = name.strip_prefix(&*own).filter(|rest| rest.starts_with('.'));
        let irreducible = irreducible.map(|_| path.with_file_name(name));
        let mut places = std::iter::once(path.to_owned()).chain(irreducible);
        let marked = |place: &PathBuf| {
            std::fs::read_to_string(place.join(MARK)).is_ok_and(|found| found == job)
        };
        let found = places.find(marked).and_then(|found| found.canonicalize().ok());
        found.ok_or_else(|| StateError::Elsewhere { path: path.to_owned() })
    }

    /// Whether it contains nothing of a run except possibly an empty catalog.
    pub(in crate::job) fn is_unused(&self) -> bool {
        ["log", "models", "compare"].iter().all(|folder| {
            let entries = std::fs::read_dir(self.path.join(folder));
            entries.map_or(true, |mut entries| entries.next().is_none())
        })
    }

    /// Removes the log and the catalog of a run that has not begun.
    ///
    /// # Errors
    /// When the file system returns an error.
    pub(in crate::job) fn clear(&self) -> Result<(), StateError> {
        let log = self.path.join("log");
        if log.exists() {
            // the log first: a log without its catalog would look like a damaged run.
            let removed = std::fs::remove_dir_all(&log);
            removed.map_err(|reason| StateError::Io { path: log, reason })?;
        }
        for file in DATABASE.map(|name| self.path.join(name)) {
            match std::fs::remove_file(&file) {
                Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StateError::Io { path: file, reason });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The path of the run's catalog.
    pub fn catalog(&self) -> PathBuf {
        catalog_in(&self.path)
    }
}

impl Drop for StateDirectory {
    fn drop(&mut self) {
        // closing the file is not enough: a child process that was just started has it open as well and
        // holds the lock until it executes its own program.
        if let Err(error) = self.lock.unlock() {
            tracing::warn!("unlocking the state directory `{}`: {error}", self.path.display());
        }
    }
}

/// Name of the file with the name of a job of several processes.
const MARK: &str = "processes";

/// The files of an SQLite database.
const DATABASE: [&str; 3] = ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"];

fn catalog_in(path: &Path) -> PathBuf {
    path.join(DATABASE[0])
}

/// `path`, `path.2`, `path.3`, …
fn family(path: &Path) -> impl Iterator<Item = PathBuf> {
    let name = path.file_name().unwrap_or_default().to_owned();
    let irreducible = move |number: u64| {
        let mut name = name.clone();
        name.push(format!(".{number}"));
        path.with_file_name(name)
    };
    std::iter::once(path.to_owned()).chain((2..).map(irreducible))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let held = StateDirectory::create(&path).unwrap();
        let refused = StateDirectory::create(&path).err().unwrap().to_string();
        assert!(refused.contains(&format!("by process {}", std::process::id())), "{refused}");
        drop(held);
        StateDirectory::create(&path).unwrap();
    }

    #[test]
    fn a_new_run_gets_an_unused_directory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        for wanted in ["run", "run.2", "run.3"] {
            let fresh = StateDirectory::unused(&path);
            assert_eq!(fresh, folder.path().join(wanted));
            let state = StateDirectory::create(&fresh).unwrap();
            std::fs::write(state.catalog(), "").unwrap();
            assert_eq!(StateDirectory::newest(&path), fresh);
        }
    }
}
