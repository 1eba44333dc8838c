//! Sources of samples, and the order of samples within a partition.

mod batch;
mod error;
mod order;

pub use batch::{BadMessage, Fetched, Gate, Progress, RawMessage};
pub use error::{Refused, SourceError};
pub use order::{Late, OrderRules, Placed, TimeRange, WatermarkTracker};

use driftmill_datasets::Schema;
use driftmill_datasets::codec::CodecTable;
use driftmill_operators::Id;

/// A table `[source.…]` of a pipeline file.
pub trait SourceConfig: Send + Sync {
    /// Whether messages are bytes that a codec must decode.
    fn needs_codec(&self) -> bool;

    /// Shape and type of the features, where the table alone says it.
    fn schema(&self) -> Option<Schema>;

    /// How samples are replaced, deleted and labelled by key; none where all stay as they came.
    fn keyed(&self) -> Option<Keyed> {
        None
    }

    /// Problems of the table that its types do not exclude, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Resolves partitions and bounds, once for a run.
    ///
    /// # Errors
    /// When the source cannot be reached or is not as the pipeline says.
    fn resolve(&self) -> Result<Vec<Partition>, SourceError>;

    /// Partitions of an endless stream that are not among those `known`, each from its beginning.
    ///
    /// # Errors
    /// When the source cannot be reached.
    fn added(&self, _known: &[Partition]) -> Result<Vec<Partition>, SourceError> {
        Ok(Vec::new())
    }

    /// Reads `partitions`, for one worker.
    ///
    /// # Errors
    /// When the source cannot be reached.
    fn open(
        &self,
        partitions: &[Partition],
        codec: Option<&CodecTable>,
    ) -> Result<Box<dyn Reader>, SourceError>;
}

/// A keyed source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// Whether labels arrive separately, in a topic of their own.
    pub labels: bool,
}

/// A partition of a source with its resolved bounds: facts for the whole run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Partition {
    /// Name of the topic, or of the file or generator.
    pub topic: String,
    /// The topic's index in the pipeline.
    pub topic_index: u8,
    /// The partition inside the topic.
    pub partition: u16,
    /// The first offset to be read.
    pub start: u64,
    /// The first offset not to be read; none if the stream has no end.
    pub end: Option<u64>,
}

impl Partition {
    /// The id of the message at `offset`.
    pub fn id(&self, offset: u64) -> Id {
        Id::new(self.topic_index, self.partition, offset)
    }
}

/// Reads the partitions of one worker.
pub trait Reader {
    /// Appends to `fetched` at most `most` messages of the worker's partition number `slot`.
    ///
    /// Does not block.
    ///
    /// # Errors
    /// When reading cannot continue.
    fn poll(
        &mut self,
        slot: usize,
        most: usize,
        fetched: &mut Fetched<'_>,
    ) -> Result<Progress, SourceError>;

    /// Messages of partition number `slot` that are known to be there and were not polled yet; none
    /// if that is not known.
    fn left(&self, slot: usize) -> Option<u64>;

    /// Why nothing can be read for now, where that is known.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// How many partitions the topic of partition number `slot` has by now; none where that is not
    /// known, or where partitions that are added are not of the stream.
    fn partitions(&self, _slot: usize) -> Option<usize> {
        None
    }
}

driftmill_registry::one_of! {
    /// The `[source]` table of a pipeline file.
    #[derive(schemars::JsonSchema)]
    SourceTable: dyn SourceConfig {
        kafka: Kafka,
        file: FileSource,
        generator: GeneratorSource,
    }
}

impl SourceTable {
    /// Makes a stream that would never end end with what is there.
    pub fn end_with_what_is_there(&mut self) {
        if let Self::kafka(kafka) = self {
            kafka.until.get_or_insert(kafka::Until::End);
        }
    }
}

pub use kafka::Labels;
