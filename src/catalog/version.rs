//! The description of a model version, in `version.json` and in the published event.

use driftmill_datasets::Schema;
use driftmill_operators::Position;
use driftmill_operators::trigger::Reason;
use serde::{Deserialize, Serialize};

use super::TrainedSamples;
use crate::model::InputScale;
use crate::source::Partition;

/// The description of a model version, in `version.json` and in the event of its publication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Unique over all runs: `run/model/version`.
    pub id: String,
    /// The model's name.
    pub model: String,
    /// The version's number: 1, 2, 3, …
    pub version: u64,
    /// The version that was active before. A fine-tuning started with its weights.
    pub parent: Option<u64>,
    /// The reason for the training.
    pub trigger: TriggerInfo,
    /// The samples it was trained on.
    pub data: DataUsed,
    /// The weights.
    pub artifact: Artifact,
    /// Shapes of its inputs and outputs.
    pub signature: Signature,
    /// The architecture, as in the pipeline's `[model]` table.
    pub architecture: serde_json::Value,
    /// Ids of the irreducible-loss versions that scored its samples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub irreducible_models: Vec<String>,
    /// Mean training loss of each epoch, in nats.
    pub losses: Vec<f64>,
    /// SHA-256 of the pipeline.
    pub pipeline_digest: String,
    /// Time at which it was made (RFC 3339), by the wall clock.
    pub created: String,
    /// Duration of the training in seconds, by the wall clock.
    pub training_seconds: f64,
}

impl Version {
    /// The run that made it.
    pub fn run(&self) -> &str {
        run_of(&self.id)
    }
}

/// The run in a version's id.
pub fn run_of(id: &str) -> &str {
    id.split('/').next().unwrap_or_default()
}

/// A position in readable form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Position time, in milliseconds since 1970.
    pub time: i64,
    /// Topic, file or generator.
    pub topic: String,
    /// Partition of the topic.
    pub partition: u16,
    /// Offset in the partition.
    pub offset: u64,
}

impl Place {
    /// The place of a position in a stream with these partitions.
    pub fn of(partitions: &[Partition], position: Position) -> Self {
        let id = position.id();
        Self {
            time: position.time(),
            topic: topic(partitions, id.topic()).to_owned(),
            partition: id.partition(),
            offset: id.offset(),
        }
    }
}

/// The name of the topic with an index.
pub fn topic(partitions: &[Partition], index: u8) -> &str {
    let found = partitions.iter().find(|partition| partition.topic_index == index);
    found.map_or("", |partition| &partition.topic)
}

/// The reason for a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerInfo {
    /// The decision's number: 0, 1, 2, …
    pub id: u64,
    /// The change that caused it.
    pub position: Place,
    /// Why the policy fired.
    #[serde(flatten)]
    pub reason: Reason,
}

/// The samples that a version was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataUsed {
    /// Samples in the training set.
    pub samples: u64,
    /// The ranges of the samples' offsets, by partition.
    pub partitions: Vec<OffsetRange>,
    /// Position time of the first sample, in milliseconds since 1970.
    pub from_time: i64,
    /// Position time of the last sample.
    pub to_time: i64,
    /// The selection policy's key in the pipeline file.
    pub selection: String,
    /// Seed of the training.
    pub seed: u64,
    /// SHA-256 of the samples' ids (64 bits each, little-endian) in the order of positions.
    pub ids_digest: String,
    /// The samples that it trained on, if they are a part of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_samples: Option<TrainedSamples>,
}

/// Offsets of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetRange {
    /// Topic, file or generator.
    pub topic: String,
    /// Partition of the topic.
    pub partition: u16,
    /// The lowest offset used.
    pub from: u64,
    /// One more than the highest offset used.
    pub to: u64,
    /// Number of samples used in this range.
    pub samples: u64,
}

/// The weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The location of the file.
    pub uri: String,
    /// The format of the file: `safetensors`.
    pub format: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Size of the file.
    pub bytes: u64,
}

/// The inputs and outputs of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// Shape and type of a sample's features.
    pub input: Schema,
    /// The scaling of values before the first layer.
    pub input_scale: InputScale,
    /// Number of classes. The model returns one score for each class, and softmax converts them to
    /// probabilities.
    pub classes: u32,
}
