//! The table of the sink.

use driftmill_operators::Span;
use rdkafka::ClientConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kafka::{NoValue, Properties};

/// A Kafka topic of model versions, one CloudEvent each, in binary mode.
///
/// The key of a message is the model's name, its value is the version's description (`version.json`), and
/// its headers are the event's attributes (`ce_id`, `ce_type`, …). Weights are not part of the message,
/// which contains `artifact.uri`, `sha256` and `bytes`. Readers of committed messages see each version
/// exactly once: each version is one transaction, and after an outage or a crash the topic is read back
/// before anything is sent again.
///
/// The transactional id consists of pipeline name and topic: `driftmill/NAME/TOPIC`. The last job that
/// starts with it publishes. The user needs permissions for it and for a group of that name.
///
/// Reference: CloudEvents 1.0.2, *Kafka Protocol Binding*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KafkaSink {
    /// Addresses of some brokers, such as `"host1:9092,host2:9092"` (default: those of the Kafka source,
    /// with its properties).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brokers: Option<String>,
    /// The topic; created with one partition if missing.
    pub topic: String,
    /// Time limit for the first answer of a broker at the start (default `"30s"`). A running job waits
    /// without a limit.
    #[serde(default = "half_a_minute")]
    pub startup_timeout: Span,
    /// Any property of librdkafka's producer, such as `"security.protocol" = "SASL_SSL"`.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

fn half_a_minute() -> Span {
    Span::from_millis(30_000)
}

/// Properties that exactly-once publication depends on.
pub(super) const OURS: [&str; 4] =
    ["bootstrap.servers", "enable.idempotence", "isolation.level", "transactional.id"];

impl KafkaSink {
    /// The configuration of librdkafka for all clients.
    pub(super) fn client(&self) -> Result<ClientConfig, NoValue> {
        let mut config = ClientConfig::new();
        self.properties.apply(&mut config)?;
        config.set("bootstrap.servers", self.brokers.as_deref().unwrap_or_default());
        Ok(config)
    }
}
