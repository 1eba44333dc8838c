use std::path::Path;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use driftmill_operators::Span;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sink, SinkConfig, SinkError};
use crate::catalog::Version;
use crate::source::Properties;

pub(super) const EXAMPLE: &str = "brokers = \"localhost:9092\"\ntopic = \"models\"";

/// Between two lines about a publication that takes long.
const SILENCE: Duration = Duration::from_secs(10);

/// A Kafka topic of model versions, one CloudEvent each, in binary mode.
///
/// The key is the model's name, the value the version's description (`version.json`), the headers
/// are the event's attributes (`ce_id`, `ce_type`, …). Weights go by reference: `artifact.uri`,
/// `sha256` and `bytes`. At least once: after a crash a version may appear again, with the same
/// `ce_id`.
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
    /// How long the brokers may take to confirm a publication before the job gives up (default
    /// `"10m"`).
    #[serde(default = "ten_minutes")]
    pub patience: Span,
    /// Any property of librdkafka's producer, as in `"security.protocol" = "SASL_SSL"`.
    #[serde(default, skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
}

fn ten_minutes() -> Span {
    Span::from_millis(600_000)
}

impl SinkConfig for KafkaSink {
    fn open(&self) -> Result<Box<dyn Sink>, SinkError> {
        let brokers = self.brokers.as_deref().unwrap_or_default();
        create_topic(&self.client(), brokers, &self.topic, 1)?;
        let (delivered, results) = crossbeam_channel::unbounded();
        let producer: ThreadedProducer<Deliveries> = self
            .client()
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("message.timeout.ms", self.patience.millis().to_string())
            .create_with_context(Deliveries(delivered))
            .map_err(self.failed("starting a Kafka producer"))?;
        Ok(Box::new(Publisher { config: self.clone(), producer, results }))
    }
}

impl KafkaSink {
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        self.properties.apply(&mut config);
        config.set("bootstrap.servers", self.brokers.as_deref().unwrap_or_default());
        config
    }

    fn failed(&self, action: &str) -> impl FnOnce(KafkaError) -> SinkError {
        let (action, brokers) = (action.to_owned(), self.brokers.clone().unwrap_or_default());
        move |source| SinkError::Kafka { action, brokers, reason: Box::new(source) }
    }
}

/// Creates a topic, if it is not there.
///
/// # Errors
/// When the brokers cannot be reached or refuse.
pub fn create_topic(
    client: &ClientConfig,
    brokers: &str,
    topic: &str,
    partitions: i32,
) -> Result<(), SinkError> {
    let failed = |source| SinkError::Kafka {
        action: format!("creating topic `{topic}`"),
        brokers: brokers.to_owned(),
        reason: Box::new(source),
    };
    let admin: AdminClient<DefaultClientContext> = client.create().map_err(failed)?;
    // a broker deletes by the messages' own time, and those of a replayed stream are old.
    let wanted =
        NewTopic::new(topic, partitions, TopicReplication::Fixed(-1)).set("retention.ms", "-1");
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(30)));
    let results =
        futures_executor::block_on(admin.create_topics([&wanted], &options)).map_err(failed)?;
    // it takes leave of the brokers for a tenth of a second, which is nothing to wait for.
    std::thread::spawn(move || drop(admin));
    match results.into_iter().next() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
            Err(failed(KafkaError::AdminOp(code)))
        }
        _ => Ok(()),
    }
}

/// Passes on what became of each message.
struct Deliveries(crossbeam_channel::Sender<Result<(), KafkaError>>);

impl rdkafka::ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        let result = result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone());
        // the publisher that asked may have given up.
        drop(self.0.send(result));
    }
}

struct Publisher {
    config: KafkaSink,
    producer: ThreadedProducer<Deliveries>,
    results: crossbeam_channel::Receiver<Result<(), KafkaError>>,
}

impl Sink for Publisher {
    fn publish(&mut self, version: &Version, _folder: &Path) -> Result<(), SinkError> {
        let action = format!(
            "publishing version {} of `{}` to topic `{}`",
            version.version, version.model, self.config.topic
        );
        let payload = serde_json::to_vec(version).expect("a version is plain data");
        let record = BaseRecord::to(&self.config.topic)
            .key(&version.model)
            .payload(&payload)
            .headers(headers(version));
        self.producer.send(record).map_err(|(error, _)| self.config.failed(&action)(error))?;
        self.delivered(&action).map_err(self.config.failed(&action))
    }
}

impl Publisher {
    /// Waits for the brokers' word on what was sent last; the producer tries again by itself until
    /// its patience is at an end.
    fn delivered(&self, action: &str) -> Result<(), KafkaError> {
        loop {
            match self.results.recv_timeout(SILENCE) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => tracing::warn!("{action}: no answer yet"),
                Err(RecvTimeoutError::Disconnected) => return Err(KafkaError::Canceled),
            }
        }
    }
}

/// The event's attributes.
fn headers(version: &Version) -> OwnedHeaders {
    let source = format!("/driftmill/{}", version.model);
    let subject = version.version.to_string();
    let attributes = [
        ("ce_specversion", "1.0"),
        ("ce_id", &version.id),
        ("ce_source", &source),
        ("ce_type", "io.driftmill.model.version"),
        ("ce_subject", &subject),
        ("ce_time", &version.created),
        ("content-type", "application/json"),
    ];
    attributes.into_iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    })
}
