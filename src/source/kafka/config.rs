//! The table of the source.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use driftmill_datasets::Timestamp;
use driftmill_operators::Span;
use rdkafka::ClientConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::labels::Labels;
use crate::kafka::{NoValue, Properties};

/// Kafka topics. Each message is a sample.
///
/// Partitions are assigned by number and never by a consumer group: partition p among the partitions of all
/// topics belongs to worker p mod workers. Only committed transactions are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// Addresses of some brokers, such as `"host1:9092,host2:9092"`.
    pub brokers: String,
    /// The topics. A topic's index in this list is part of its samples' ids.
    pub topics: Vec<String>,
    /// Whether a message replaces the earlier one with its key, and an empty message deletes it (default
    /// no). Each key then has one sample, the newest. A message without a key is invalid.
    #[serde(default)]
    pub keyed: bool,
    /// A topic of labels that arrive separately; needs `keyed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// The start of reading: `"earliest"` (default), `"latest"`, `{ time = "2026-01-31T00:00:00Z" }` or
    /// `{ offsets = { "topic/partition" = 1000 } }`. Partitions without an offset start at their earliest
    /// one.
    #[serde(default)]
    pub start: Start,
    /// The end of reading: `"end"` (the end of the topics when the job first starts) or `{ time = … }`
    /// (default: never).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// Time limit for the first answer of a broker at the start (default `"30s"`). A running job waits
    /// without a limit.
    #[serde(default = "half_a_minute")]
    pub startup_timeout: Span,
    /// Maximum number of bytes of a message, key and payload together. Larger messages are invalid
    /// (default: no limit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_message: Option<NonZeroUsize>,
    /// Any property of librdkafka's consumer, such as `"security.protocol" = "SASL_SSL"`.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

fn half_a_minute() -> Span {
    Span::from_millis(30_000)
}

/// Properties that the job depends on.
pub(super) const OURS: [&str; 4] =
    ["auto.offset.reset", "bootstrap.servers", "enable.auto.commit", "enable.partition.eof"];

/// The start of reading a topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The oldest message.
    #[default]
    Earliest,
    /// After the newest message.
    Latest,
    /// The first message whose timestamp is not earlier (RFC 3339).
    Time(Timestamp),
    /// These offsets, by `topic/partition`.
    Offsets(BTreeMap<String, u64>),
}

/// The end of reading a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// The end of the topic when the job first starts.
    End,
    /// The first message whose timestamp is not earlier (RFC 3339); it is not read. Without such a message,
    /// a partition ends at its current end if that time is in the past, and otherwise at the first such
    /// message that arrives.
    Time(Timestamp),
}

impl Kafka {
    /// The topics in the order of their indices: those of samples, then that of labels.
    pub(super) fn all_topics(&self) -> impl Iterator<Item = &String> {
        self.topics.iter().chain(self.labels.as_ref().map(|labels| &labels.topic))
    }

    /// The topic in `topic/partition`, if it is a topic of this source.
    pub(super) fn topic_of<'a>(&self, name: &'a str) -> Option<&'a str> {
        let (topic, partition) = name.rsplit_once('/')?;
        let known = self.all_topics().any(|known| known == topic);
        (known && partition.parse::<u16>().is_ok()).then_some(topic)
    }

    /// The properties of a producer that writes to the topics.
    ///
    /// # Errors
    /// When the source of a property's value does not exist.
    pub fn producer(&self) -> Result<ClientConfig, NoValue> {
        let mut config = ClientConfig::new();
        self.properties.apply(&mut config)?;
        config.set("bootstrap.servers", &self.brokers);
        Ok(config)
    }

    /// The configuration of librdkafka. Properties of the pipeline replace our defaults if that is safe.
    pub(super) fn client(&self) -> Result<ClientConfig, NoValue> {
        let mut config = ClientConfig::new();
        config
            .set("group.id", "driftmill")
            .set("isolation.level", "read_committed")
            // with the default of a second the consumer idles between bursts.
            .set("fetch.queue.backoff.ms", "5")
            // with the default of five minutes new partitions are found late.
            .set("topic.metadata.refresh.interval.ms", "10000")
            // statistics contain the ends of partitions.
            .set("statistics.interval.ms", "1000");
        self.properties.apply(&mut config)?;
        config
            .set("bootstrap.servers", &self.brokers)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            // a missing offset must be an error and never a jump.
            .set("auto.offset.reset", "error");
        Ok(config)
    }
}
