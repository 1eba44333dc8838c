//! A transactional producer.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::event::Event;
use super::failed::Failed;
use super::link::Link;
use crate::kafka::{ClientReports, describe, drop_client};
use crate::sink::SinkError;

/// The time between two log lines about a long operation.
const SILENCE: Duration = Duration::from_secs(10);

/// The longest uninterrupted wait of librdkafka.
const STEP: Duration = Duration::from_millis(200);

/// Timeout of a transaction. The brokers abort it afterwards.
const TIMEOUT: &str = "60000";

/// A transactional producer. All earlier producers with its id are fenced.
///
/// It can be used until its first failure. After that, the state of the brokers is unknown until another
/// producer has begun.
pub(super) struct Producer {
    /// The producer; none only while it is dropped.
    producer: Option<BaseProducer<Deliveries>>,
    timeout: Duration,
}

impl Producer {
    /// Starts a producer. When this returns, the transactions of earlier producers have ended.
    pub(super) fn start(link: &Link) -> Result<Self, Failed> {
        let mut client = link.config.client().map_err(SinkError::from)?;
        if client.get("transaction.timeout.ms").is_none() {
            client.set("transaction.timeout.ms", TIMEOUT);
        }
        let timeout = client.get("transaction.timeout.ms").and_then(|text| text.parse().ok());
        let timeout = Duration::from_millis(timeout.unwrap_or(60_000));
        client
            .set("transactional.id", link.id())
            .set("enable.idempotence", "true")
            .set("linger.ms", "0");
        let failed = |error| link.refused("starting a producer", &error);
        let producer = client.create_with_context(Deliveries::default()).map_err(failed)?;
        let started = Self { producer: Some(producer), timeout };
        started.wait(link, "beginning", |producer| producer.init_transactions(STEP))?;
        Ok(started)
    }

    /// Publishes an event in a separate transaction. Returns its partition and offset.
    pub(super) fn publish(&self, link: &Link, event: &Event) -> Result<(i32, i64), Failed> {
        let begun = self.producer().begin_transaction();
        begun.map_err(|error| link.failed("beginning a transaction", &error))?;
        let published = self.send(link, event).and_then(|place| {
            self.wait(link, "committing", |producer| producer.commit_transaction(STEP))?;
            Ok(place)
        });
        if let Err(Failed::Forever(_)) = &published {
            // without a successor the transaction would stay open, and readers would wait for it.
            drop(self.producer().abort_transaction(5 * STEP));
        }
        published
    }

    /// Ends a transaction that an earlier producer with the same id has open in a partition, where the
    /// coordinator takes it for complete: brokers that died may have lost the marker that ends it. An
    /// aborted message of this producer brings another marker.
    pub(super) fn end_leftover(&self, link: &Link, partition: i32) -> Result<(), Failed> {
        let failed = |error| link.failed("ending a lost transaction", &error);
        self.producer().begin_transaction().map_err(failed)?;
        drop(self.producer().context().take());
        let record = BaseRecord::to(&link.config.topic).key(&link.model).partition(partition);
        let record: BaseRecord<'_, String, [u8]> = record;
        let sent = self.producer().send(record).map_err(|(error, _)| failed(error));
        let sent = sent.and_then(|()| self.delivered(link));
        self.wait(link, "aborting", |producer| producer.abort_transaction(STEP))?;
        sent.map(drop)
    }

    /// Sends an event and waits for the answer of the brokers.
    fn send(&self, link: &Link, event: &Event) -> Result<(i32, i64), Failed> {
        drop(self.producer().context().take());
        let record = BaseRecord::to(&link.config.topic)
            .key(&event.key)
            .payload(&event.value)
            .headers(event.headers.clone());
        let sent = self.producer().send(record);
        sent.map_err(|(error, _)| link.failed("sending", &error))?;
        self.delivered(link)
    }

    /// Waits for the brokers' word on the message that was sent.
    fn delivered(&self, link: &Link) -> Result<(i32, i64), Failed> {
        let (deliveries, begun) = (self.producer().context(), Instant::now());
        loop {
            // short at first: librdkafka polls until the time is over, even if an answer arrives.
            let pause = begun.elapsed() / 8;
            self.producer().poll(pause.clamp(Duration::from_millis(1), STEP / 4));
            if let Some(delivered) = deliveries.take() {
                return delivered.map_err(|error| self.refused(link, error));
            }
            self.check_timeout(link, "sending", begun)?;
        }
    }

    /// Sorts the error of a message. A transaction that has failed drops its messages, and only its commit
    /// returns the reason.
    fn refused(&self, link: &Link, error: KafkaError) -> Failed {
        let dropped = error.rdkafka_error_code() == Some(RDKafkaErrorCode::PurgeQueue);
        let reason = if dropped { self.producer().commit_transaction(STEP).err() } else { None };
        link.failed("sending", &reason.unwrap_or(error))
    }

    /// Repeats an operation while its error says that it is not complete.
    fn wait(
        &self,
        link: &Link,
        action: &str,
        step: impl Fn(&BaseProducer<Deliveries>) -> Result<(), KafkaError>,
    ) -> Result<(), Failed> {
        let begun = Instant::now();
        loop {
            match step(self.producer()) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) if error.is_retriable() => {}
                Err(error) => return Err(link.failed(action, &error)),
            }
            self.producer().poll(Duration::ZERO);
            self.check_timeout(link, action, begun)?;
        }
    }

    /// Ends a wait that takes too long or was cancelled.
    fn check_timeout(&self, link: &Link, action: &str, begun: Instant) -> Result<(), Failed> {
        if link.stop.raised() {
            return Err(SinkError::Stopped.into());
        }
        let limit = self.timeout + SILENCE;
        if begun.elapsed() < limit {
            return Ok(());
        }
        let trouble = self.producer().context().reports.trouble();
        let trouble = trouble.unwrap_or_else(|| "no answer".into());
        Err(Failed::ForNow(format!("{action}: {trouble}")))
    }

    fn producer(&self) -> &BaseProducer<Deliveries> {
        self.producer.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        drop_client(self.producer.take());
    }
}

/// Receives the delivery report of the sent message, and other reports of librdkafka.
#[derive(Default)]
struct Deliveries {
    reports: ClientReports,
    delivered: Mutex<Option<Result<(i32, i64), KafkaError>>>,
}

impl Deliveries {
    fn take(&self) -> Option<Result<(i32, i64), KafkaError>> {
        self.delivered.lock().take()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, part: &str, line: &str) {
        self.reports.log(level, part, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!("kafka producer: {}", describe(&error));
        self.reports.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        let result = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.clone()),
        };
        *self.delivered.lock() = Some(result);
    }
}
