//! Why samples cannot be read.

use std::path::PathBuf;

use driftmill_datasets::DecodeError;
use thiserror::Error;

/// Why samples cannot be read.
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
    /// A broker does not let us in.
    #[error(
        "`{brokers}` refused the login: {detail}\nhint: user, password and mechanism stand in `source.kafka.properties`"
    )]
    Refused {
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The answer of the broker.
        detail: String,
    },
    /// A topic is not there.
    #[error("topic `{topic}` does not exist on `{brokers}`{hint}")]
    NoTopic {
        /// The topic.
        topic: String,
        /// The brokers, as the pipeline names them.
        brokers: String,
        /// The nearest name, on a line of its own.
        hint: String,
    },
    /// A topic, or a partition of it, went away.
    #[error(
        "`{topic}` no longer has partition {partition}\nhint: was the topic deleted? one that is created again under its name is another stream: begin a new run on it with --fresh"
    )]
    Deleted {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u16,
    },
    /// Offsets that the pipeline wants are no longer there.
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
    /// Kafka refused something else.
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
        /// The message.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file or generator is not what the pipeline says.
    #[error("{0}")]
    Mismatch(String),
}

/// Why a message is not a sample of the stream.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Refused {
    /// It does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is larger than the pipeline admits.
    #[error("{bytes} bytes, but `source.kafka.max_message` is {most}")]
    Large {
        /// Bytes of its key and payload.
        bytes: usize,
        /// The most it may have.
        most: usize,
    },
    /// Its topic is keyed, but it has no key.
    #[error("no key: the topic is keyed")]
    NoKey,
    /// It is of a labels topic, but says no label.
    #[error("no label: the message names none")]
    NoLabel,
    /// Neither the sample nor its message says when it happened.
    #[error("no event time: neither a time column nor a record timestamp")]
    NoTime,
    /// Its event time is out of bounds.
    #[error("event time {time} is {bound}")]
    Time {
        /// Milliseconds since 1970.
        time: i64,
        /// Beyond what.
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
    /// It came later than the pipeline admits.
    #[error("event time {time} is {behind} ms behind its partition")]
    Late {
        /// Milliseconds since 1970.
        time: i64,
        /// Milliseconds.
        behind: i64,
    },
}

impl Refused {
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

    /// The stage that refused: `decode` or `order`.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Decode(_) | Self::Large { .. } | Self::NoKey | Self::NoLabel => "decode",
            _ => "order",
        }
    }
}
