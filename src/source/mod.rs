//! Sources of samples, and the order of samples within a partition.

mod batch;
mod error;
mod order;

pub use batch::{Fetched, Gate, InvalidMessage, Progress, RawMessage};
pub use error::{InvalidReason, SourceError};
pub use order::{Late, OrderRules, Placed, TimeRange, WatermarkTracker};

use driftmill_datasets::Schema;
use driftmill_datasets::codec::CodecTable;
use driftmill_operators::Id;

/// A table `[source.…]` of a pipeline file.
pub trait SourceConfig: Send + Sync {
    /// Whether messages are bytes that a codec must decode.
    fn needs_codec(&self) -> bool;

    /// Shape and type of the features, if the table alone determines them.
    fn schema(&self) -> Option<Schema>;

    /// The rules of replacements, deletions and labels by key; none if samples have no keys.
    fn keyed(&self) -> Option<Keyed> {
        None
    }

    /// Problems of the table that its types cannot detect, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Resolves partitions and bounds, once for a run.
    ///
    /// # Errors
    /// When the source cannot be reached or does not match the pipeline.
    fn resolve(&self) -> Result<Vec<Partition>, SourceError>;

    /// Partitions of the stream that are not among those `known`, each from its beginning.
    ///
    /// # Errors
    /// When the source cannot be reached.
    fn added(&self, _known: &[Partition]) -> Result<Vec<Partition>, SourceError> {
        Ok(Vec::new())
    }

    /// Moves the end of a partition that was read to its end to where it is `found` now.
    fn extend(&self, partition: &mut Partition, found: &Partition) {
        partition.end = partition.end.max(found.end).filter(|_| found.end.is_some());
    }

    /// Checks that the source still has the stream that an earlier process read; a topic is checked
    /// while it is read.
    ///
    /// # Errors
    /// [`SourceError::Replaced`] when another one has taken its place.
    fn check_known(&self, _known: &[Partition]) -> Result<(), SourceError> {
        Ok(())
    }

    /// Opens a reader of `partitions`, for one worker.
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
    /// Whether labels arrive separately, in another topic.
    pub labels: bool,
}

/// A partition of a source with its resolved bounds, which do not change during the run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Partition {
    /// Name of the topic, or of the file or generator.
    pub topic: String,
    /// Distinguishes the stream from another one of the same name: the id of the topic, or the digest of the
    /// file; none where that is not known.
    #[serde(default)]
    pub identity: Option<String>,
    /// The topic's index in the pipeline.
    pub topic_index: u8,
    /// The partition inside the topic.
    pub partition: u16,
    /// The first offset to read.
    pub start: u64,
    /// The first offset beyond the end; none if the stream has no end.
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
    /// Appends to `fetched` messages, up to its limit, of the worker's partition number `slot`.
    ///
    /// Does not block.
    ///
    /// # Errors
    /// When reading cannot continue.
    fn poll(&mut self, slot: usize, fetched: &mut Fetched<'_>) -> Result<Progress, SourceError>;

    /// Number of existing messages of partition number `slot` that were not polled yet; none if it is
    /// unknown.
    fn left(&self, slot: usize) -> Option<u64>;

    /// The reason why nothing can be read now, if it is known.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// The offset at which committed messages of partition number `slot` end for now, because a
    /// transaction is open there and everything before was polled.
    fn open_transaction(&self, _slot: usize) -> Option<u64> {
        None
    }

    /// The current number of partitions of the topic of partition number `slot`; none if it is unknown, or
    /// if new partitions are not part of the stream.
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
    /// Makes an endless stream end at its current end.
    pub fn end_at_current_end(&mut self) {
        if let Self::kafka(kafka) = self {
            kafka.until.get_or_insert(Until::End);
        }
    }
}

pub use kafka::{Labels, Until};
