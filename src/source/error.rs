//! Errors of sources, and reasons why messages are invalid.

use std::path::PathBuf;

use driftmill_datasets::DecodeError;
use thiserror::Error;

/// The error if samples cannot be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No broker answers.
    #[error(
        "no answer from `{brokers}`: {detail}\nhint: is it running, and is `source.kafka.brokers` its address?"
    )]
    Unreachable {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The last message of the client.
        detail: String,
    },
    /// A broker denies the login.
    #[error(
        "`{brokers}` refused the login: {detail}\n\
         hint: user, password and mechanism are set in `source.kafka.properties`"
    )]
    Refused {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The answer of the broker.
        detail: String,
    },
    /// A topic does not exist.
    #[error("topic `{topic}` does not exist on `{brokers}`{hint}")]
    NoTopic {
        /// The topic.
        topic: String,
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// A hint with the nearest name, on a separate line.
        hint: String,
    },
    /// A topic or one of its partitions disappeared.
    #[error(
        "`{topic}` no longer has partition {partition}\n\
         hint: was the topic deleted? a new topic of the same name is another stream: start a new \
         run with --fresh"
    )]
    Deleted {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u16,
    },
    /// A topic was deleted, and another one has its name.
    #[error(
        "`{topic}` was deleted and created again: its id is `{found}`, the run reads `{known}`\n\
         hint: offsets of the old topic are not valid in the new one: start a new run with --fresh"
    )]
    Recreated {
        /// The topic.
        topic: String,
        /// Its id now.
        found: String,
        /// The id of the topic that the run reads.
        known: String,
    },
    /// Another file has the name of the one that was read.
    #[error(
        "`{}` is not the file that the run has read: {reason}\n\
         hint: start a new run on it with --fresh",
        path.display()
    )]
    Replaced {
        /// The file.
        path: PathBuf,
        /// The difference.
        reason: String,
    },
    /// Offsets that the pipeline needs no longer exist.
    #[error(
        "partition {partition} of `{topic}` no longer has offset {wanted}: {detail}\nhint: samples were deleted before they were read; raise the topic's retention"
    )]
    Gap {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The first offset that is missing.
        wanted: i64,
        /// The offsets that the broker has.
        detail: String,
    },
    /// Kafka returned another error.
    #[error("{action}")]
    Kafka {
        /// The action that failed.
        action: String,
        /// The message of librdkafka.
        source: rdkafka::error::KafkaError,
    },
    /// A file cannot be read.
    #[error("{action} `{}`", path.display())]
    File {
        /// The action that failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file or generator does not match the pipeline.
    #[error("{0}")]
    Mismatch(String),
}

/// The reason why a message is not a sample of the stream.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum InvalidReason {
    /// It does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is larger than the pipeline allows.
    #[error("{bytes} bytes, but `source.kafka.max_message` is {most}")]
    Large {
        /// Bytes of its key and payload.
        bytes: usize,
        /// The maximum number of bytes.
        most: usize,
    },
    /// Its topic is keyed, but it has no key.
    #[error("no key: the topic is keyed")]
    NoKey,
    /// It is in a topic of labels, but has no label.
    #[error("no label: the message has none")]
    NoLabel,
    /// Neither the sample nor its message has a time.
    #[error("no event time: neither a time column nor a record timestamp")]
    NoTime,
    /// Its event time is out of bounds.
    #[error("event time {time} is {bound}")]
    Time {
        /// Milliseconds since 1970.
        time: i64,
        /// The bound that it exceeds.
        bound: String,
    },
    /// Its class is not one of the model's.
    #[error("class {label}, but the model has {classes}: 0 to {}", classes - 1)]
    Label {
        /// The class.
        label: u32,
        /// Number of classes.
        classes: u32,
    },
    /// It is later than the pipeline allows.
    #[error("event time {time} is {behind} ms behind its partition")]
    Late {
        /// Milliseconds since 1970.
        time: i64,
        /// The delay in milliseconds.
        behind: i64,
    },
}

impl InvalidReason {
    /// Stable name of the error's class.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Decode(error) => error.class(),
            Self::Large { .. } => "large",
            Self::NoKey => "no_key",
            Self::NoLabel => "no_label",
            Self::NoTime => "no_time",
            Self::Time { .. } => "time",
            Self::Label { .. } => "label",
            Self::Late { .. } => "late",
        }
    }

    /// The stage that rejected it: `decode` or `order`.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Decode(_) | Self::Large { .. } | Self::NoKey | Self::NoLabel => "decode",
            _ => "order",
        }
    }
}
