//! Dead letters in a file of JSON lines.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::destination::Destination;
use super::{DeadLetter, DeadLetterError};
use crate::atomic_write::replace_file;

/// A file of JSON lines, with one dead letter each.
pub(super) struct Lines {
    path: PathBuf,
    file: File,
}

impl Lines {
    /// Opens the file at `path` for appending. It need not exist yet.
    pub(super) fn open(path: &Path) -> Result<Self, DeadLetterError> {
        let file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .map_err(DeadLetterError::io("opening", path))?;
        Ok(Self { path: path.to_owned(), file })
    }
}

impl Destination for Lines {
    fn write(&mut self, dead_letters: &[DeadLetter]) -> Result<(), DeadLetterError> {
        let mut lines = Vec::new();
        for dead_letter in dead_letters {
            serde_json::to_writer(&mut lines, dead_letter).expect("a dead letter is plain data");
            lines.push(b'\n');
        }
        let before = self.file.metadata().map(|file| (file.is_file(), file.len()));
        let written = self.file.write_all(&lines);
        if let (Err(_), Ok((true, len))) = (&written, before) {
            // half a dead letter would damage the next one.
            self.file.set_len(len).map_err(DeadLetterError::io("cutting", &self.path))?;
        }
        written.map_err(DeadLetterError::io("writing", &self.path))
    }

    fn retain(&mut self, known: &dyn Fn(&DeadLetter) -> bool) -> Result<(), DeadLetterError> {
        if !self.file.metadata().is_ok_and(|file| file.is_file()) {
            return Ok(());
        }
        let text =
            fs::read_to_string(&self.path).map_err(DeadLetterError::io("reading", &self.path))?;
        // the last line may be incomplete.
        let kept =
            |line: &&str| serde_json::from_str(line).is_ok_and(|dead_letter| known(&dead_letter));
        let kept: String = text.split_inclusive('\n').filter(kept).collect();
        if kept.len() == text.len() {
            return Ok(());
        }
        replace_file(&self.path, kept.as_bytes())
            .map_err(DeadLetterError::io("rewriting", &self.path))?;
        *self = Self::open(&self.path)?;
        Ok(())
    }

    fn sync(&mut self, _time: Duration) -> Result<bool, DeadLetterError> {
        match self.file.sync_data() {
            // a pipe cannot be synced and need not be.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Ok(true),
            synced => synced.map(|()| true).map_err(DeadLetterError::io("syncing", &self.path)),
        }
    }
}
