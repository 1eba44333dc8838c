//! A sink that publishes versions to a Kafka topic.

use std::path::Path;

use driftmill_operators::Span;
use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CancellationToken, Published, Sink, SinkConfig, SinkError};
use crate::catalog::Version;
use crate::kafka::{
    Backoff, ClientReports, NoAnswer, NoValue, Properties, create_topic, drop_client,
    wait_for_broker,
};

mod bookmark;
mod claim;
mod event;
mod failed;
mod producer;
mod read_back;

use bookmark::Bookmark;
use claim::Claim;
use event::Event;
use failed::Failed;
use producer::Producer;
use read_back::read_back;

pub(super) const EXAMPLE: &str = "brokers = \"localhost:9092\"\ntopic = \"models\"";

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

/// The name of this part of a job in lists of outages.
const PART: &str = "sink.kafka";

/// Properties that exactly-once publication depends on.
const OURS: [&str; 4] =
    ["bootstrap.servers", "enable.idempotence", "isolation.level", "transactional.id"];

impl SinkConfig for KafkaSink {
    fn check(&self) -> Vec<(&'static str, String)> {
        let taken = self.properties.first_of(&OURS);
        let text =
            |key| ("properties", format!("`{key}` is managed by driftmill and cannot be set"));
        taken.map(text).into_iter().collect()
    }

    fn open(&self, model: &str, stop: &CancellationToken) -> Result<Box<dyn Sink>, SinkError> {
        let link = Link { config: self.clone(), model: model.to_owned(), stop: stop.clone() };
        let (consumer, reports) = link.consumer("read_uncommitted")?;
        let metadata = wait_for_broker(&consumer, &reports, link.brokers(), self.startup_timeout);
        let metadata = metadata.map_err(|no_answer| {
            let brokers = link.brokers().to_owned();
            match no_answer {
                NoAnswer::Unreachable(detail) => SinkError::Unreachable { brokers, detail },
                NoAnswer::Refused(detail) => SinkError::Refused { brokers, detail },
            }
        })?;
        let is_there = |topic: &rdkafka::metadata::MetadataTopic| topic.name() == self.topic;
        if !metadata.topics().iter().any(is_there) {
            create_topic(&self.client()?, link.brokers(), &self.topic, 1)?;
        }
        drop_client(consumer);
        let (claim, bookmark) = (Claim::new(), Bookmark::default());
        Ok(Box::new(KafkaTopic { link, claim, bookmark, producer: None }))
    }
}

impl KafkaSink {
    fn client(&self) -> Result<ClientConfig, NoValue> {
        let mut config = ClientConfig::new();
        self.properties.apply(&mut config)?;
        config.set("bootstrap.servers", self.brokers.as_deref().unwrap_or_default());
        Ok(config)
    }
}

/// The common configuration of producer and consumer.
struct Link {
    config: KafkaSink,
    model: String,
    stop: CancellationToken,
}

impl Link {
    /// The transactional id and group, which one publisher owns at a time.
    fn id(&self) -> String {
        format!("driftmill/{}/{}", self.model, self.config.topic)
    }

    fn brokers(&self) -> &str {
        self.config.brokers.as_deref().unwrap_or_default()
    }

    /// A consumer of the group without partitions, and its reports.
    fn consumer(
        &self,
        isolation: &str,
    ) -> Result<(BaseConsumer<ClientReports>, ClientReports), SinkError> {
        let reports = ClientReports::default();
        let mut client = self.config.client()?;
        client
            .set("group.id", self.id())
            .set("isolation.level", isolation)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            // deleted messages need not be read.
            .set("auto.offset.reset", "earliest");
        let consumer = client.create_with_context(reports.clone());
        Ok((consumer.map_err(|error| self.refused("starting a consumer", &error))?, reports))
    }
}

/// The topic of a job that publishes.
struct KafkaTopic {
    link: Link,
    claim: Claim,
    /// The first offsets to read back. The caller knows the versions before them.
    bookmark: Bookmark,
    /// None before the topic was taken over, and while the state of a version is unknown.
    producer: Option<Producer>,
}

impl Sink for KafkaTopic {
    fn published(&mut self, since: Option<&str>) -> Result<Vec<Published>, SinkError> {
        let since = since.map(Bookmark::read).unwrap_or_default();
        let read = self
            .again("reading back", |topic| read_back(&topic.link, &since, topic.producer.as_ref()));
        let (found, end) = read?;
        self.bookmark = end;
        Ok(found)
    }

    fn take_over(&mut self) -> Result<(), SinkError> {
        self.again("taking over", Self::ready)
    }

    fn publish(&mut self, version: &Version, _folder: &Path) -> Result<Option<String>, SinkError> {
        let event = Event::of(version);
        let action = format!("publishing version {}", version.version);
        self.again(&action, |topic| topic.attempt(&event))?;
        Ok(Some(self.bookmark.to_string()))
    }
}

impl KafkaTopic {
    /// Repeats an operation until it succeeds, without a time limit. After a failure it uses a new
    /// producer.
    fn again<T>(
        &mut self,
        action: &str,
        attempt: impl Fn(&mut Self) -> Result<T, Failed>,
    ) -> Result<T, SinkError> {
        let mut backoff = Backoff::default();
        loop {
            let reason = match attempt(self) {
                Ok(done) => {
                    self.link.stop.outages().end(PART);
                    return Ok(done);
                }
                Err(Failed::Forever(error)) => return Err(error),
                Err(Failed::ForNow(reason)) => reason,
            };
            self.link.stop.outages().begin(PART, &reason.to_string());
            self.producer = None;
            let (model, topic) = (&self.link.model, &self.link.config.topic);
            tracing::warn!("{action} of `{model}` in topic `{topic}`: {reason}; trying again");
            if self.link.stop.wait(backoff.pause()) {
                return Err(SinkError::Stopped);
            }
        }
    }

    /// Returns the producer of this job; all others with its transactional id are fenced.
    fn ready(&mut self) -> Result<(), Failed> {
        if self.producer.is_some() {
            return self.claim.renew(&self.link);
        }
        self.claim.hold(&self.link)?;
        self.producer = Some(Producer::start(&self.link)?);
        Ok(())
    }

    fn attempt(&mut self, event: &Event) -> Result<(), Failed> {
        if self.producer.is_none() {
            self.ready()?;
            // only now the state of the messages of earlier producers is certain.
            let (found, end) = read_back(&self.link, &self.bookmark, self.producer.as_ref())?;
            self.bookmark = end;
            for there in found {
                if there.is(&event.published)? {
                    return Ok(());
                }
            }
        }
        self.ready()?;
        let producer = self.producer.as_ref().expect("ready");
        let (partition, offset) = producer.publish(&self.link, event)?;
        self.bookmark.reach(partition, offset + 1);
        Ok(())
    }
}
