//! The claim of a job to publish a model to a topic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use super::failed::Failed;
use super::link::Link;
use crate::kafka::{ClientReports, drop_client};
use crate::sink::SinkError;

const REQUEST: Duration = Duration::from_secs(2);

/// The pause between two looks for a claim.
const POLL: Duration = Duration::from_millis(10);

/// The time between two renewals of a claim. Brokers delete a group's offsets after a week.
const RENEW: Duration = Duration::from_secs(24 * 60 * 60);

/// The claim to publish. The last job that wrote its claim may publish.
///
/// A producer that is rejected as outdated cannot tell whether a successor has begun or whether the brokers
/// aborted its own transaction because it took too long. In the first case it must never start again,
/// because it would fence its successor. In the second case it must start again. Each job therefore first
/// writes its name with the offsets of a group. Only the job whose name is there starts again.
pub(super) struct Claim {
    holder: Claimant,
    /// The time at which it was last written.
    written: Option<Instant>,
}

/// The name of a publisher in its claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claimant {
    /// A unique id.
    publisher: String,
    process: u32,
    since: String,
}

impl Claim {
    /// Creates a claim that is not written yet.
    pub(super) fn new() -> Self {
        let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
        let holder = Claimant {
            publisher: uuid::Uuid::new_v4().to_string(),
            process: std::process::id(),
            since: now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        };
        Self { holder, written: None }
    }

    /// Writes the claim, or, if it was written before, checks that it is still there.
    ///
    /// # Errors
    /// When another job has since written its own.
    pub(super) fn hold(&mut self, link: &Link) -> Result<(), Failed> {
        let (consumer, _reports) = link.consumer("read_uncommitted")?;
        let consumer = Arc::new(consumer);
        let held = self.check(&Group { link, consumer: &consumer });
        drop_client(consumer);
        held
    }

    /// Writes the claim again if it is old.
    pub(super) fn renew(&mut self, link: &Link) -> Result<(), Failed> {
        let old = |written: Instant| written.elapsed() > RENEW;
        if self.written.is_some_and(old) { self.hold(link) } else { Ok(()) }
    }

    fn check(&mut self, group: &Group<'_>) -> Result<(), Failed> {
        // this job takes over from the job before.
        let held = if self.written.is_some() { group.holder()? } else { None };
        let fresh = self.written.is_some_and(|written| written.elapsed() < RENEW);
        match held {
            Some(other) if other != self.holder => Err(group.taken(&other)),
            Some(_) if fresh => Ok(()),
            _ => {
                group.write(&self.holder)?;
                self.written = Some(Instant::now());
                Ok(())
            }
        }
    }
}

/// The group in whose offsets claims are written.
struct Group<'a> {
    link: &'a Link,
    consumer: &'a Arc<BaseConsumer<ClientReports>>,
}

impl Group<'_> {
    fn failed(&self, error: &KafkaError) -> Failed {
        let failed = |error: &KafkaError| self.link.failed("claiming the topic", error);
        // a group without access has no coordinator: requests time out, and an event has the reason.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::OperationTimedOut) {
            while let Some(Err(reason)) = self.consumer.poll(POLL) {
                if let forever @ Failed::Forever(_) = failed(&reason) {
                    return forever;
                }
            }
        }
        failed(error)
    }

    fn taken(&self, other: &Claimant) -> Failed {
        Failed::Forever(SinkError::Fenced {
            model: self.link.model.clone(),
            topic: self.link.config.topic.clone(),
            by: format!("process {}, since {}", other.process, other.since),
        })
    }

    fn holder(&self) -> Result<Option<Claimant>, Failed> {
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(&self.link.config.topic, 0);
        let found = self.consumer.committed_offsets(wanted, REQUEST);
        let found = found.map_err(|error| self.failed(&error))?;
        let elements = found.elements();
        Ok(elements.first().and_then(|element| serde_json::from_str(element.metadata()).ok()))
    }

    /// Writes a claim and reads it back.
    fn write(&self, holder: &Claimant) -> Result<(), Failed> {
        let mut claim = TopicPartitionList::new();
        let mut element = claim.add_partition(&self.link.config.topic, 0);
        element.set_metadata(serde_json::to_string(holder).expect("a name is plain data"));
        element.set_offset(Offset::Offset(0)).map_err(|error| self.failed(&error))?;
        // a commit that waits for an answer would wait for the whole duration of an outage.
        let sent = self.consumer.commit(&claim, CommitMode::Async);
        sent.map_err(|error| self.failed(&error))?;
        let begun = Instant::now();
        while self.holder()?.as_ref() != Some(holder) {
            if begun.elapsed() > REQUEST {
                return Err(self.reason(claim));
            }
            if self.link.stop.wait(POLL) {
                return Err(SinkError::Stopped.into());
            }
        }
        Ok(())
    }

    /// The reason why a claim is not there: that of another commit on a separate thread, which ends when
    /// the brokers have answered.
    fn reason(&self, claim: TopicPartitionList) -> Failed {
        let (send, answer) = bounded(1);
        let consumer = Arc::clone(self.consumer);
        std::thread::spawn(move || drop(send.send(consumer.commit(&claim, CommitMode::Sync))));
        match answer.recv_timeout(REQUEST) {
            Ok(Err(error)) => self.failed(&error),
            _ => Failed::ForNow("claiming the topic: no answer".into()),
        }
    }
}
