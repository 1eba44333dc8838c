//! Dead letters in a Kafka topic.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::{DeadLetter, DeadLetterError, DeadLetters, Destination};
use crate::kafka::{ClientReports, RequestError, create_topic, describe};
use crate::outage::CancellationToken;

/// The largest dead letter: more than the largest message and its headers.
const MOST_BYTES: &str = "10485760";

const HINT: &str = "\nhint: may the user write to the topic, and is its `max.message.bytes` large \
                    enough?";

/// A topic of dead letters: key and bytes as they came, the story in headers.
pub(super) struct Topic {
    topic: String,
    sender: Sender,
}

impl Topic {
    pub(super) fn open(
        config: &DeadLetters,
        topic: &str,
        stop: &CancellationToken,
    ) -> Result<Self, DeadLetterError> {
        let mut client = ClientConfig::new();
        config.properties.apply(&mut client)?;
        let brokers = config.brokers.clone().unwrap_or_default();
        client.set("bootstrap.servers", &brokers);
        create_topic(&client, &brokers, topic, 1)?;
        Ok(Self { topic: topic.to_owned(), sender: Sender::start(client, stop)? })
    }
}

impl Destination for Topic {
    fn write(&mut self, dead_letters: &[DeadLetter]) -> Result<(), DeadLetterError> {
        for dead_letter in dead_letters {
            let headers = headers(dead_letter);
            let record = BaseRecord::to(&self.topic).payload(&dead_letter.payload).headers(headers);
            let record = match &dead_letter.key {
                Some(key) => record.key(key),
                None => record,
            };
            self.sender.send(record)?;
        }
        Ok(())
    }

    fn sync(&mut self, time: Duration) -> Result<bool, DeadLetterError> {
        self.sender.sync(time)
    }
}

/// The origin of the message and the reason.
fn headers(dead_letter: &DeadLetter) -> OwnedHeaders {
    let partition = dead_letter.partition.to_string();
    let offset = dead_letter.offset.to_string();
    let timestamp = dead_letter.timestamp.map(|time| time.to_string());
    let story = [
        ("driftmill.topic", Some(&dead_letter.topic)),
        ("driftmill.partition", Some(&partition)),
        ("driftmill.offset", Some(&offset)),
        ("driftmill.timestamp", timestamp.as_ref()),
        ("driftmill.stage", Some(&dead_letter.stage)),
        ("driftmill.error", Some(&dead_letter.error)),
        ("driftmill.reason", Some(&dead_letter.reason)),
        ("driftmill.run", Some(&dead_letter.run)),
    ];
    story.into_iter().fold(OwnedHeaders::new(), |headers, (key, value)| match value {
        Some(_) => headers.insert(Header { key, value }),
        None => headers,
    })
}

/// Sends messages, each at least once, for as long as it takes.
pub(super) struct Sender {
    producer: ThreadedProducer<Refused>,
    brokers: String,
    stop: CancellationToken,
}

impl Sender {
    pub(super) fn start(
        mut client: ClientConfig,
        stop: &CancellationToken,
    ) -> Result<Self, DeadLetterError> {
        let brokers = client.get("bootstrap.servers").unwrap_or_default().to_owned();
        if client.get("message.max.bytes").is_none() {
            client.set("message.max.bytes", MOST_BYTES);
        }
        client.set("enable.idempotence", "true").set("message.timeout.ms", "0");
        let failed = |error| RequestError {
            action: "starting a producer".into(),
            brokers: brokers.clone(),
            reason: describe(&error),
            hint: "",
        };
        let producer = client.create_with_context(Refused::default()).map_err(failed)?;
        Ok(Self { producer, brokers, stop: stop.clone() })
    }

    /// Has a message sent; waits while too many are on their way.
    pub(super) fn send(
        &self,
        record: BaseRecord<'_, Vec<u8>, Vec<u8>>,
    ) -> Result<(), DeadLetterError> {
        self.check()?;
        let mut record = record;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((error, back)) if is_full(&error) => record = back,
                Err((error, _)) => return Err(self.failed(&error)),
            }
            if self.stop.wait(Duration::from_millis(10)) {
                return Err(DeadLetterError::Stopped);
            }
        }
    }

    /// Waits until the brokers have all that was sent, at most for `time`; whether they have.
    pub(super) fn sync(&self, time: Duration) -> Result<bool, DeadLetterError> {
        let begun = Instant::now();
        while self.producer.in_flight_count() > 0 && begun.elapsed() < time {
            self.check()?;
            if self.stop.wait(Duration::from_millis(2)) {
                return Err(DeadLetterError::Stopped);
            }
        }
        self.check()?;
        Ok(self.producer.in_flight_count() == 0)
    }

    /// Messages that the brokers do not have yet.
    pub(super) fn in_flight(&self) -> i32 {
        self.producer.in_flight_count()
    }

    /// The error when the brokers did not answer for `time`.
    pub(super) fn unreachable(&self, time: Duration) -> DeadLetterError {
        DeadLetterError::unreachable(&self.brokers, time, &self.producer.context().reports)
    }

    /// Fails if something was refused since.
    fn check(&self) -> Result<(), DeadLetterError> {
        let refused = self.producer.context().error.lock();
        let refused = refused.unwrap_or_else(PoisonError::into_inner).clone();
        refused.map_or(Ok(()), |error| Err(self.failed(&error)))
    }

    fn failed(&self, error: &KafkaError) -> DeadLetterError {
        DeadLetterError::from(RequestError {
            action: "writing messages that are not samples".into(),
            brokers: self.brokers.clone(),
            reason: describe(error),
            hint: HINT,
        })
    }
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}

/// Remembers what the brokers refused.
#[derive(Clone, Default)]
struct Refused {
    reports: ClientReports,
    error: Arc<Mutex<Option<KafkaError>>>,
}

impl ClientContext for Refused {
    fn log(&self, level: RDKafkaLogLevel, part: &str, line: &str) {
        self.reports.log(level, part, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reports.error(error, reason);
    }
}

impl ProducerContext for Refused {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        if let Err((error, _)) = result {
            let mut refused = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            refused.get_or_insert_with(|| error.clone());
        }
    }
}
