//! A sink that publishes versions to a Kafka topic.

mod bookmark;
mod claim;
mod config;
mod event;
mod failed;
mod link;
mod producer;
mod read_back;
mod topic;

pub use config::KafkaSink;

use self::config::OURS;
use self::link::Link;
use self::topic::KafkaTopic;
use super::{CancellationToken, Sink, SinkConfig, SinkError};
use crate::kafka::{NoAnswer, create_topic, drop_client, wait_for_broker};

pub(super) const EXAMPLE: &str = "brokers = \"localhost:9092\"\ntopic = \"models\"";

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
        Ok(Box::new(KafkaTopic::new(link)))
    }
}
