//! Invalid messages: their destination, and their replay.
//!
//! After a crash, a job reads again the messages that were not durable. Dead letters of such messages are
//! first removed from a file. A topic may contain the same dead letter twice: topic, partition and offset
//! identify the message.

mod dead_letter;
mod error;
mod file;
mod kafka;
mod queue;
mod read;
mod rejected;
mod replay;
mod tally;

pub use dead_letter::{DeadLetter, Omitted};
pub use error::DeadLetterError;
pub use queue::DeadLetterQueue;
pub use read::{from_file, from_topic};
pub use replay::{Replay, Replayed};
pub use tally::MostFrequentError;

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::Properties;
use crate::outage::CancellationToken;
use crate::store::Size;

/// The destination of invalid messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// The handling of invalid messages: `"dead_letter"` (default) keeps them, `"skip"` only counts them,
    /// `"fail"` ends the job.
    #[serde(default)]
    pub on_error: OnError,
    /// A file of JSON lines (default: `dead-letters.jsonl` in the state directory).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// A Kafka topic instead, created with one partition if missing. Key and bytes are those of the
    /// message; headers contain origin and reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Addresses of some of the topic's brokers (default: those of the Kafka source, with its
    /// properties).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brokers: Option<String>,
    /// Most bytes of dead letters with one class of error (default `"256MiB"`), from each start of the
    /// job on: further ones are counted, and their offsets stay in the log.
    #[serde(default)]
    pub max_bytes: MaxBytes,
    /// Any property of librdkafka's producer.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

/// Most bytes of dead letters with one class of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MaxBytes(pub Size);

impl Default for MaxBytes {
    fn default() -> Self {
        Self(Size(256 << 20))
    }
}

/// The handling of invalid messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Keeps the message, with its origin and the reason.
    #[default]
    DeadLetter,
    /// Counts the message.
    Skip,
    /// Ends the job.
    Fail,
}

impl DeadLetters {
    /// Problems of the table that its types do not exclude, as `(key, problem)`.
    pub fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.file.is_some() && self.topic.is_some() {
            problems.push(("file", "dead letters go to a file or to a topic".to_owned()));
        }
        if self.topic.is_some() && self.brokers.is_none() {
            let text = "name the brokers: brokers = \"localhost:9092\"";
            problems.push(("topic", text.to_owned()));
        }
        if let Some(key) = self.properties.first_of(&["bootstrap.servers", "enable.idempotence"]) {
            problems
                .push(("properties", format!("`{key}` is managed by driftmill and cannot be set")));
        }
        problems
    }

    /// Opens the destination of the dead letters of `run`, whose state directory is `state`.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn open(
        &self,
        run: &str,
        state: &Path,
        stop: &CancellationToken,
    ) -> Result<DeadLetterQueue, DeadLetterError> {
        let destination: Option<Box<dyn Destination>> = match (self.on_error, &self.topic) {
            (OnError::Skip | OnError::Fail, _) => None,
            (OnError::DeadLetter, Some(topic)) => {
                Some(Box::new(kafka::Topic::open(self, topic, stop)?))
            }
            (OnError::DeadLetter, None) => {
                let path = self.file.clone().unwrap_or_else(|| Self::default_file(state));
                Some(Box::new(file::Lines::open(&path)?))
            }
        };
        Ok(DeadLetterQueue::new(run, self, destination, stop))
    }

    /// The destination of dead letters for messages; none if they are not kept.
    pub fn place(&self, state: &Path) -> Option<String> {
        match (self.on_error, &self.topic, &self.file) {
            (OnError::Skip | OnError::Fail, ..) => None,
            (OnError::DeadLetter, Some(topic), _) => Some(format!("topic `{topic}`")),
            (OnError::DeadLetter, None, file) => {
                let path = file.clone().unwrap_or_else(|| Self::default_file(state));
                Some(format!("`{}`", path.display()))
            }
        }
    }

    /// The default file in a state directory.
    pub fn default_file(state: &Path) -> PathBuf {
        state.join("dead-letters.jsonl")
    }
}

/// A destination of dead letters.
trait Destination: Send {
    /// Appends dead letters.
    fn write(&mut self, dead_letters: &[DeadLetter]) -> Result<(), DeadLetterError>;

    /// Keeps only dead letters that are `known`, if the destination can remove others.
    fn retain(&mut self, _known: &dyn Fn(&DeadLetter) -> bool) -> Result<(), DeadLetterError> {
        Ok(())
    }

    /// Waits until all dead letters are durable, at most for `time`. Returns whether they are.
    fn sync(&mut self, time: Duration) -> Result<bool, DeadLetterError>;
}
