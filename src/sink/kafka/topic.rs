//! The topic of a job that publishes.

use std::path::Path;

use super::bookmark::Bookmark;
use super::claim::Claim;
use super::event::Event;
use super::failed::Failed;
use super::link::{Link, PART};
use super::producer::Producer;
use super::read_back::{ReadBack, read_back};
use crate::catalog::Version;
use crate::kafka::Backoff;
use crate::sink::{Published, Sink, SinkError};

/// The topic of a job that publishes.
pub(super) struct KafkaTopic {
    link: Link,
    claim: Claim,
    /// The first offsets to read back. The caller knows the versions before them.
    bookmark: Bookmark,
    /// None before the topic was taken over, and while the state of a version is unknown.
    producer: Option<Producer>,
}

impl KafkaTopic {
    pub(super) fn new(link: Link) -> Self {
        Self { link, claim: Claim::new(), bookmark: Bookmark::default(), producer: None }
    }

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

    /// The versions in the topic from a bookmark on. What brokers have lost of them is published again.
    fn read_back(&mut self, since: &Bookmark) -> Result<Vec<Published>, Failed> {
        let producer = self.producer.as_ref();
        let ReadBack { mut found, end, lost } = read_back(&self.link, since, producer)?;
        self.bookmark = end;
        for event in lost {
            let Some(producer) = &self.producer else { break };
            let version = event.published.version;
            tracing::warn!(version, "brokers have lost a published version: publishing it again");
            let (partition, offset) = producer.publish(&self.link, &event)?;
            self.bookmark.reach(partition, offset + 1);
            found.push(event.published);
        }
        Ok(found)
    }

    fn attempt(&mut self, event: &Event) -> Result<(), Failed> {
        if self.producer.is_none() {
            self.ready()?;
            // only now the state of the messages of earlier producers is certain.
            let since = self.bookmark.clone();
            for there in self.read_back(&since)? {
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

impl Sink for KafkaTopic {
    fn published(&mut self, since: Option<&str>) -> Result<Vec<Published>, SinkError> {
        let since = since.map(Bookmark::read).unwrap_or_default();
        self.again("reading back", |topic| topic.read_back(&since))
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
