//! Invalid messages: where they go, and how they are sent again.
//!
//! After a crash a job reads again what was not durable: a file is rid of dead letters of such messages
//! first, in a topic the same dead letter may stand twice. Topic, partition and offset say which message
//! it was.

mod dead_letter;
mod error;
mod file;
mod kafka;
mod queue;
mod read;
mod replay;

pub use dead_letter::DeadLetter;
pub use error::DeadLetterError;
pub use queue::DeadLetterQueue;
pub use read::{from_file, from_topic};
pub use replay::{Replay, Replayed};

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::Properties;
use crate::outage::CancellationToken;

/// The destination of invalid messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// How invalid messages are handled: `"dead_letter"` (default) keeps it,
    /// `"skip"` only counts it, `"fail"` ends the job.
    #[serde(default)]
    pub on_error: OnError,
    /// A file of JSON lines (default: `dead-letters.jsonl` in the state directory).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// A Kafka topic instead, created with one partition if missing: key and bytes as they came,
    /// the story in headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Addresses of some of the topic's brokers (default: those of the Kafka source, with its
    /// properties).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brokers: Option<String>,
    /// Any property of librdkafka's producer.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

/// How invalid messages are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It is kept, with its story.
    #[default]
    DeadLetter,
    /// It is counted.
    Skip,
    /// It ends the job.
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
            let text = "say on which brokers: brokers = \"localhost:9092\"";
            problems.push(("topic", text.to_owned()));
        }
        if let Some(key) = self.properties.first_of(&["bootstrap.servers", "enable.idempotence"]) {
            problems.push(("properties", format!("`{key}` is not yours to set: the job does")));
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
        let fails = self.on_error == OnError::Fail;
        Ok(DeadLetterQueue::new(run, fails, destination, stop))
    }

    /// The file in a state directory.
    pub fn default_file(state: &Path) -> PathBuf {
        state.join("dead-letters.jsonl")
    }
}

/// A destination of dead letters.
trait Destination: Send {
    /// Adds dead letters.
    fn write(&mut self, dead_letters: &[DeadLetter]) -> Result<(), DeadLetterError>;

    /// Keeps only dead letters that are `known`, where that can be done.
    fn forget(&mut self, _known: &dyn Fn(&DeadLetter) -> bool) -> Result<(), DeadLetterError> {
        Ok(())
    }

    /// Waits until all of them are safe, at most for `time`; whether they are.
    fn sync(&mut self, time: Duration) -> Result<bool, DeadLetterError>;
}
