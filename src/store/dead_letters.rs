use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::StoreError;

/// Where messages go that are not samples: a file of JSON lines, one each, with all that is needed
/// to understand the message and to send it again.
pub struct DeadLetters {
    path: PathBuf,
    file: Mutex<File>,
}

/// A message that is not a sample, with its story.
#[derive(Clone, Debug, Serialize)]
pub struct DeadLetter<'a> {
    /// Topic, file or generator.
    pub topic: &'a str,
    /// Partition of the topic.
    pub partition: u16,
    /// Offset in the partition.
    pub offset: u64,
    /// The record's timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// The stage that refused it: `decode` or `order`.
    pub stage: &'static str,
    /// The error's class.
    pub error: &'static str,
    /// The error's text.
    pub reason: String,
    /// The message's key, in Base64.
    pub key: Option<String>,
    /// The message's bytes, in Base64.
    pub payload: String,
}

impl DeadLetters {
    /// Adds to the file at `path`, which need not exist yet.
    ///
    /// # Errors
    /// When it cannot be opened for writing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .map_err(StoreError::io("opening", path))?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Bytes as they stand in the file.
    pub fn encode(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    /// Adds letters.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, letters: &[DeadLetter<'_>]) -> Result<(), StoreError> {
        let mut lines = Vec::new();
        for letter in letters {
            serde_json::to_writer(&mut lines, letter).expect("a letter is plain data");
            lines.push(b'\n');
        }
        let mut file = self.file.lock().expect("no writer panics while it holds the file");
        file.write_all(&lines).map_err(StoreError::io("writing", &self.path))
    }
}
