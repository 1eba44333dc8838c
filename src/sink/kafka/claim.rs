//! Which job may publish a model to a topic.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use super::{Failed, Link};
use crate::kafka::{ClientReports, drop_client};
use crate::sink::SinkError;

const REQUEST: Duration = Duration::from_secs(2);

/// Brokers forget a group's offsets after a week: a claim is renewed before that.
const RENEW: Duration = Duration::from_secs(24 * 60 * 60);

/// Which job publishes: the last one that claimed it.
///
/// A producer that is refused as outdated cannot tell whether a successor has begun, or whether the
/// brokers gave up a transaction of its own that took too long. In the one case it must never begin
/// again, or it would fence its successor; in the other it must. So a job that begins writes its name
/// beside the offsets of a group first, and only the one whose name stands there begins again.
pub(super) struct Claim {
    holder: Holder,
    /// When it was last written.
    staked: Option<Instant>,
}

/// A publisher, as its claim names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    /// Unique.
    publisher: String,
    process: u32,
    since: String,
}

impl Claim {
    /// A claim that is not written yet.
    pub(super) fn new() -> Self {
        let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
        let holder = Holder {
            publisher: uuid::Uuid::new_v4().to_string(),
            process: std::process::id(),
            since: now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        };
        Self { holder, staked: None }
    }

    /// Writes the claim; once it was written, makes sure that it is still there.
    ///
    /// # Errors
    /// When another has written its own meanwhile.
    pub(super) fn hold(&mut self, link: &Link) -> Result<(), Failed> {
        let (consumer, _reports) = link.consumer("read_uncommitted")?;
        let held = self.check(&Group { link, consumer: &consumer });
        drop_client(consumer);
        held
    }

    /// Writes the claim again when it is old.
    pub(super) fn renew(&mut self, link: &Link) -> Result<(), Failed> {
        let old = |staked: Instant| staked.elapsed() > RENEW;
        if self.staked.is_some_and(old) { self.hold(link) } else { Ok(()) }
    }

    fn check(&mut self, group: &Group<'_>) -> Result<(), Failed> {
        // this job takes over from the one before.
        let held = if self.staked.is_some() { group.holder()? } else { None };
        let fresh = self.staked.is_some_and(|staked| staked.elapsed() < RENEW);
        match held {
            Some(other) if other != self.holder => Err(group.taken(&other)),
            Some(_) if fresh => Ok(()),
            _ => {
                group.stake(&self.holder)?;
                self.staked = Some(Instant::now());
                Ok(())
            }
        }
    }
}

/// The group in whose offsets claims are written.
struct Group<'a> {
    link: &'a Link,
    consumer: &'a BaseConsumer<ClientReports>,
}

impl Group<'_> {
    fn failed(&self, error: &KafkaError) -> Failed {
        self.link.failed("claiming the topic", error)
    }

    fn taken(&self, other: &Holder) -> Failed {
        Failed::Forever(SinkError::Fenced {
            model: self.link.model.clone(),
            topic: self.link.config.topic.clone(),
            by: format!("process {}, since {}", other.process, other.since),
        })
    }

    fn holder(&self) -> Result<Option<Holder>, Failed> {
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition(&self.link.config.topic, 0);
        let found = self.consumer.committed_offsets(wanted, REQUEST);
        let found = found.map_err(|error| self.failed(&error))?;
        let elements = found.elements();
        Ok(elements.first().and_then(|element| serde_json::from_str(element.metadata()).ok()))
    }

    /// Writes a claim and reads it back.
    fn stake(&self, holder: &Holder) -> Result<(), Failed> {
        let mut claim = TopicPartitionList::new();
        let mut element = claim.add_partition(&self.link.config.topic, 0);
        element.set_metadata(serde_json::to_string(holder).expect("a name is plain data"));
        element.set_offset(Offset::Offset(0)).map_err(|error| self.failed(&error))?;
        // a commit that waits for an answer would wait for as long as an outage takes.
        let sent = self.consumer.commit(&claim, CommitMode::Async);
        sent.map_err(|error| self.failed(&error))?;
        let begun = Instant::now();
        while self.holder()?.as_ref() != Some(holder) {
            if begun.elapsed() > REQUEST {
                return Err(Failed::ForNow("claiming the topic: no answer".into()));
            }
            if self.link.stop.wait(Duration::from_millis(10)) {
                return Err(SinkError::Stopped.into());
            }
        }
        Ok(())
    }
}
