//! Kafka topics as sources.

mod config;
mod connect;
mod label_watch;
mod labels;
mod reader;
mod resolve;
mod samples;
mod topic_watch;

pub use config::{Kafka, Until};
pub use labels::Labels;

use driftmill_datasets::Schema;
use driftmill_datasets::codec::CodecTable;

use self::config::{OURS, Start};
use super::{Keyed, Partition, Reader, SourceConfig, SourceError};

pub(super) const EXAMPLE: &str = "brokers = \"localhost:9092\"\ntopics = [\"samples\"]";

impl SourceConfig for Kafka {
    fn needs_codec(&self) -> bool {
        true
    }

    fn schema(&self) -> Option<Schema> {
        None
    }

    fn keyed(&self) -> Option<Keyed> {
        self.keyed.then_some(Keyed { labels: self.labels.is_some() })
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.topics.is_empty() || self.all_topics().count() > 256 {
            problems.push(("topics", "name at least one topic and at most 256".to_owned()));
        }
        if self.labels.is_some() && !self.keyed {
            let text = "labels find their samples by key: set `keyed = true`";
            problems.push(("labels", text.to_owned()));
        }
        problems.extend(self.labels.iter().flat_map(Labels::check));
        let repeated = |topic| self.all_topics().filter(|other| *other == topic).count() > 1;
        if let Some(topic) = self.topics.iter().find(|topic| repeated(*topic)) {
            problems.push(("topics", format!("`{topic}` is named twice")));
        }
        if let Start::Offsets(offsets) = &self.start
            && let Some(name) = offsets.keys().find(|name| self.topic_of(name).is_none())
        {
            let text = "wanted `topic/partition` of one of `topics`";
            problems.push(("start", format!("`{name}`: {text}")));
        }
        if let Some(key) = self.properties.first_of(&OURS) {
            problems
                .push(("properties", format!("`{key}` is managed by driftmill and cannot be set")));
        }
        problems
    }

    fn resolve(&self) -> Result<Vec<Partition>, SourceError> {
        resolve::resolve(self)
    }

    fn added(&self, known: &[Partition]) -> Result<Vec<Partition>, SourceError> {
        // all messages of a new partition arrived after the start.
        let kafka = Self { start: Start::Earliest, ..self.clone() };
        let mut found = kafka.resolve()?;
        found.retain(|part| !known.iter().any(|known| known.id(0) == part.id(0)));
        Ok(found)
    }

    fn open(
        &self,
        partitions: &[Partition],
        codec: Option<&CodecTable>,
    ) -> Result<Box<dyn Reader>, SourceError> {
        let codec = codec.expect("checked: a Kafka source has a codec");
        Ok(Box::new(reader::KafkaReader::open(self, partitions, codec)?))
    }
}
