//! The table of dead letters.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::Properties;
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

    /// The destination of dead letters for messages; none if they are not kept.
    pub fn place(&self, state: &Path) -> Option<String> {
        match (self.on_error, &self.topic, &self.file) {
            (OnError::Skip | OnError::Fail, ..) => None,
            (OnError::DeadLetter, Some(topic), _) => Some(format!("topic `{topic}`")),
            (OnError::DeadLetter, None, _) => Some(format!("`{}`", self.file_in(state).display())),
        }
    }

    /// The file of dead letters of a run with a state directory.
    pub(super) fn file_in(&self, state: &Path) -> PathBuf {
        self.file.clone().unwrap_or_else(|| Self::default_file(state))
    }

    /// The default file in a state directory.
    pub fn default_file(state: &Path) -> PathBuf {
        state.join("dead-letters.jsonl")
    }
}
