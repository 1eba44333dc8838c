//! Dead letters in a Kafka topic.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::destination::Destination;
use super::rejected::{Rejected, is_too_large};
use super::{DeadLetter, DeadLetterError, DeadLetters};
use crate::kafka::{RequestError, create_topic, describe};
use crate::outage::CancellationToken;

/// The maximum size of a dead letter: more than the largest message and its headers.
const MOST_BYTES: &str = "10485760";

const HINT: &str = "\nhint: may the user write to the topic, and is its `max.message.bytes` large \
                    enough?";

/// The length of a payload that was left out, as a header.
pub(super) const OMITTED_BYTES: &str = "driftmill.payload-bytes";

/// The SHA-256 of a payload that was left out, as a header.
pub(super) const OMITTED_SHA256: &str = "driftmill.payload-sha256";

/// A topic of dead letters. Key and bytes are those of the message, and headers contain origin and
/// reason.
///
/// A message that is too large for the topic is sent again separately, because its whole batch was
/// refused, and then without its bytes.
pub(super) struct Topic {
    topic: String,
    client: ClientConfig,
    sender: Sender,
    /// Sends messages by themselves.
    single: Option<Sender>,
    stop: CancellationToken,
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
        let sender = Sender::start(client.clone(), stop)?;
        let (topic, stop) = (topic.to_owned(), stop.clone());
        Ok(Self { topic, client, sender, single: None, stop })
    }

    /// Sends messages by themselves that were too large, and those that still are without their bytes;
    /// whether all are with the brokers.
    fn send_large(&mut self, time: Duration) -> Result<bool, DeadLetterError> {
        let large = self.sender.take_too_large();
        if self.single.is_none() {
            if large.is_empty() {
                return Ok(true);
            }
            let mut client = self.client.clone();
            client.set("batch.num.messages", "1");
            self.single = Some(Sender::start(client, &self.stop)?);
        }
        let Some(single) = &self.single else { return Ok(true) };
        for message in large {
            single.send(record(&message, message.payload(), message.headers()))?;
        }
        if !single.sync(time)? {
            return Ok(false);
        }
        for message in single.take_too_large() {
            let Some(payload) = message.payload().filter(|payload| !payload.is_empty()) else {
                return Err(single.failed(&too_large()));
            };
            let headers = without_payload(message.headers(), payload);
            single.send(record(&message, None, Some(&headers)))?;
        }
        single.sync(time)
    }
}

/// The message again, with other bytes and headers.
fn record<'a>(
    message: &'a OwnedMessage,
    payload: Option<&'a [u8]>,
    headers: Option<&OwnedHeaders>,
) -> BaseRecord<'a, [u8], [u8]> {
    let mut record = BaseRecord::to(message.topic());
    (record.key, record.payload) = (message.key(), payload);
    record.headers = headers.cloned();
    record
}

/// The headers of a message whose payload is left out.
fn without_payload(headers: Option<&OwnedHeaders>, payload: &[u8]) -> OwnedHeaders {
    use sha2::Digest;
    let bytes = payload.len().to_string();
    let sha256 = hex::encode(sha2::Sha256::digest(payload));
    let headers = headers.cloned().unwrap_or_else(OwnedHeaders::new);
    headers
        .insert(Header { key: OMITTED_BYTES, value: Some(&bytes) })
        .insert(Header { key: OMITTED_SHA256, value: Some(&sha256) })
}

fn too_large() -> KafkaError {
    KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge)
}

impl Destination for Topic {
    fn write(&mut self, dead_letters: &[DeadLetter]) -> Result<(), DeadLetterError> {
        for dead_letter in dead_letters {
            let headers = headers(dead_letter);
            let mut record = BaseRecord::to(&self.topic).payload(&dead_letter.payload[..]);
            record.key = dead_letter.key.as_deref();
            self.sender.send(record.headers(headers))?;
        }
        Ok(())
    }

    fn sync(&mut self, time: Duration) -> Result<bool, DeadLetterError> {
        Ok(self.sender.sync(time)? && self.send_large(time)?)
    }
}

/// The headers with the origin of the message and the reason.
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

/// Sends messages, each at least once, without a time limit.
pub(super) struct Sender {
    producer: ThreadedProducer<Rejected>,
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
        let producer = client.create_with_context(Rejected::default()).map_err(failed)?;
        Ok(Self { producer, brokers, stop: stop.clone() })
    }

    /// Queues a message for sending. Waits while too many are in flight.
    pub(super) fn send(&self, record: BaseRecord<'_, [u8], [u8]>) -> Result<(), DeadLetterError> {
        self.check()?;
        let mut record = record;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((error, back)) if is_full(&error) => record = back,
                Err((error, back)) if is_too_large(&error) => {
                    self.producer.context().too_large(owned(&back));
                    return Ok(());
                }
                Err((error, _)) => return Err(self.failed(&error)),
            }
            if self.stop.wait(Duration::from_millis(10)) {
                return Err(DeadLetterError::Stopped);
            }
        }
    }

    /// Waits until the brokers have all messages, at most for `time`. Returns whether they have.
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

    /// Takes the messages that the brokers refused for their size.
    pub(super) fn take_too_large(&self) -> Vec<OwnedMessage> {
        std::mem::take(&mut *self.producer.context().large.lock())
    }

    /// Fails if the brokers refused a message for its size.
    pub(super) fn check_sizes(&self) -> Result<(), DeadLetterError> {
        let rejected = self.producer.context().large.lock();
        if rejected.is_empty() { Ok(()) } else { Err(self.failed(&too_large())) }
    }

    /// Number of messages that the brokers do not have yet.
    pub(super) fn in_flight(&self) -> i32 {
        self.producer.in_flight_count()
    }

    /// The error when the brokers did not answer for `time`.
    pub(super) fn unreachable(&self, time: Duration) -> DeadLetterError {
        DeadLetterError::unreachable(&self.brokers, time, &self.producer.context().reports)
    }

    /// Fails if a message was rejected.
    fn check(&self) -> Result<(), DeadLetterError> {
        let rejected = self.producer.context().error.lock().clone();
        rejected.map_or(Ok(()), |error| Err(self.failed(&error)))
    }

    fn failed(&self, error: &KafkaError) -> DeadLetterError {
        DeadLetterError::from(RequestError {
            action: "writing dead letters".into(),
            brokers: self.brokers.clone(),
            reason: describe(error),
            hint: HINT,
        })
    }
}

/// A message of its own, of what a record refers to.
fn owned(record: &BaseRecord<'_, [u8], [u8]>) -> OwnedMessage {
    OwnedMessage::new(
        record.payload.map(<[u8]>::to_vec),
        record.key.map(<[u8]>::to_vec),
        record.topic.to_owned(),
        rdkafka::Timestamp::NotAvailable,
        record.partition.unwrap_or(-1),
        -1,
        record.headers.clone(),
    )
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}
