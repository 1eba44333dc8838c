//! A transactional producer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::{Event, Failed, Link};
use crate::kafka::{ClientReports, describe, drop_client};
use crate::sink::SinkError;

/// Between two lines about something that takes long.
const SILENCE: Duration = Duration::from_secs(10);

/// The longest uninterrupted wait of librdkafka.
const STEP: Duration = Duration::from_millis(200);

/// A transaction that is not done after this is given up; the brokers abort it.
const TIMEOUT: &str = "60000";

/// A transactional producer; all its predecessors are fenced.
///
/// It is good until its first failure: then nobody knows what the brokers made of it, until a
/// successor has begun.
pub(super) struct Producer {
    /// Always there, until it is dropped.
    producer: Option<BaseProducer<Deliveries>>,
    timeout: Duration,
}

impl Producer {
    /// Starts; the transactions of predecessors have ended when it returns.
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

    /// Publishes an event in a transaction of its own; returns its partition and offset.
    pub(super) fn publish(&self, link: &Link, event: &Event) -> Result<(i32, i64), Failed> {
        let begun = self.producer().begin_transaction();
        begun.map_err(|error| link.failed("beginning a transaction", &error))?;
        let published = self.send(link, event).and_then(|place| {
            self.wait(link, "committing", |producer| producer.commit_transaction(STEP))?;
            Ok(place)
        });
        if let Err(Failed::Forever(_)) = &published {
            // no successor would end the transaction, for which readers wait.
            drop(self.producer().abort_transaction(5 * STEP));
        }
        published
    }

    /// Sends an event and waits for the brokers' word on it.
    fn send(&self, link: &Link, event: &Event) -> Result<(i32, i64), Failed> {
        let deliveries = self.producer().context();
        drop(deliveries.take());
        let record = BaseRecord::to(&link.config.topic)
            .key(&event.key)
            .payload(&event.value)
            .headers(event.headers.clone());
        let sent = self.producer().send(record);
        sent.map_err(|(error, _)| link.failed("sending", &error))?;
        let begun = Instant::now();
        loop {
            // short at first: librdkafka polls until the time is over, whatever comes.
            let pause = begun.elapsed() / 8;
            self.producer().poll(pause.clamp(Duration::from_millis(1), STEP / 4));
            if let Some(delivered) = deliveries.take() {
                return delivered.map_err(|error| link.failed("sending", &error));
            }
            self.check_timeout(link, "sending", begun)?;
        }
    }

    /// Repeats what says by itself that it is not done yet.
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

/// Hears what became of the message that was sent, and what librdkafka says besides.
#[derive(Default)]
struct Deliveries {
    reports: ClientReports,
    delivered: Mutex<Option<Result<(i32, i64), KafkaError>>>,
}

impl Deliveries {
    fn take(&self) -> Option<Result<(i32, i64), KafkaError>> {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner).take()
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
        *self.delivered.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }
}
