//! Generated streams as sources.

use std::num::NonZeroU16;

use driftmill_datasets::Schema;
use driftmill_datasets::codec::CodecTable;
use driftmill_datasets::generate::{Generator, GeneratorTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fetched, Partition, Progress, RawMessage, Reader, SourceConfig, SourceError};

pub(super) const EXAMPLE: &str = "stream.sea = {}";

/// A seeded stream with known change points.
///
/// Sample i of the stream is the message at offset i / partitions of partition i mod partitions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratorSource {
    /// The generator of the stream.
    pub stream: GeneratorTable,
    /// Number of partitions over which the samples are distributed (default 1).
    #[serde(default = "one")]
    pub partitions: NonZeroU16,
}

fn one() -> NonZeroU16 {
    NonZeroU16::MIN
}

impl SourceConfig for GeneratorSource {
    fn needs_codec(&self) -> bool {
        false
    }

    fn schema(&self) -> Option<Schema> {
        Some(self.stream.schema())
    }

    fn resolve(&self) -> Result<Vec<Partition>, SourceError> {
        let (count, length) = (u64::from(self.partitions.get()), self.stream.len());
        Ok((0..count)
            .map(|partition| Partition {
                topic: self.stream.key().to_owned(),
                identity: None,
                topic_index: 0,
                partition: partition as u16,
                start: 0,
                end: Some(length.saturating_sub(partition).div_ceil(count)),
            })
            .collect())
    }

    fn open(
        &self,
        partitions: &[Partition],
        _codec: Option<&CodecTable>,
    ) -> Result<Box<dyn Reader>, SourceError> {
        let generator =
            self.stream.init().map_err(|error| SourceError::Mismatch(error.to_string()))?;
        let next = partitions.iter().map(|partition| partition.start).collect();
        let stride = u64::from(self.partitions.get());
        Ok(Box::new(GeneratorReader { generator, partitions: partitions.to_vec(), next, stride }))
    }
}

struct GeneratorReader {
    generator: Box<dyn Generator>,
    partitions: Vec<Partition>,
    /// The next offset of each partition.
    next: Vec<u64>,
    stride: u64,
}

impl Reader for GeneratorReader {
    fn poll(&mut self, slot: usize, fetched: &mut Fetched<'_>) -> Result<Progress, SourceError> {
        let partition = &self.partitions[slot];
        let end = partition.end.expect("generators end");
        let offsets = self.next[slot]..end.min(self.next[slot] + fetched.limit as u64);
        self.next[slot] = offsets.end;
        for offset in offsets.clone() {
            let index = offset * self.stride + u64::from(partition.partition);
            self.generator.fill(index..index + 1, &mut fetched.columns);
            fetched.accept(RawMessage { offset, timestamp: None, key: None, payload: &[] });
        }
        Ok(if offsets.end == end { Progress::End } else { Progress::More })
    }

    fn left(&self, slot: usize) -> Option<u64> {
        self.partitions[slot].end.map(|end| end - self.next[slot])
    }
}
