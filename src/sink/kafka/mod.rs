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
/// The key is the model's name, the value the version's description (`version.json`), the headers
/// are the event's attributes (`ce_id`, `ce_type`, …). Weights go by reference: `artifact.uri`,
/// `sha256` and `bytes`. Exactly once for those who read committed messages: each version is a
/// transaction, what an outage or a crash left in doubt is read back before anything is sent again.
///
/// Pipeline name and topic make the transactional id, `driftmill/NAME/TOPIC`: the job that starts last
/// under it is the one who publishes. The user needs rights on it, and on a group of that name.
///
/// Reference: CloudEvents 1.0.2, *Kafka Protocol Binding*.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KafkaSink {
    /// Addresses of some brokers, as in `"host1:9092,host2:9092"` (default: those of the Kafka
    /// source, with its properties).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brokers: Option<String>,
    /// The topic; created with one partition if missing.
    pub topic: String,
    /// How long the job waits for a broker's first answer when it starts (default `"30s"`); once it
    /// runs, it waits for as long as it takes.
    #[serde(default = "half_a_minute")]
    pub startup_timeout: Span,
    /// Any property of librdkafka's producer, as in `"security.protocol" = "SASL_SSL"`.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

fn half_a_minute() -> Span {
    Span::from_millis(30_000)
}

/// The part of a job that waits here.
const PART: &str = "sink.kafka";

/// Properties that exactly once depends on.
const OURS: [&str; 4] =
    ["bootstrap.servers", "enable.idempotence", "isolation.level", "transactional.id"];

impl SinkConfig for KafkaSink {
    fn check(&self) -> Vec<(&'static str, String)> {
        let taken = self.properties.first_of(&OURS);
        let text = |key| ("properties", format!("`{key}` is not yours to set: the job does"));
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

/// The configuration that producer and consumer share.
struct Link {
    config: KafkaSink,
    model: String,
    stop: CancellationToken,
}

impl Link {
    /// Transactional id and group, which one publisher has at a time.
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

/// The topic, as a job publishes to it.
struct KafkaTopic {
    link: Link,
    claim: Claim,
    /// The caller knows which versions were published before.
    bookmark: Bookmark,
    /// None before the topic was taken over, and while it is not known what became of a version.
    producer: Option<Producer>,
}

impl Sink for KafkaTopic {
    fn published(&mut self, since: Option<&str>) -> Result<Vec<Published>, SinkError> {
        let since = since.map(Bookmark::read).unwrap_or_default();
        let read = self.again("reading back", |topic| read_back(&topic.link, &since));
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
    /// Does something for as long as it takes; after a failure, with a new producer.
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
            // only now it is certain what became of what an earlier producer sent.
            let (found, end) = read_back(&self.link, &self.bookmark)?;
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
