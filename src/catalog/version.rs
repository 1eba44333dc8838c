//! The description of a model version, as `version.json` and the published event hold it.

use driftmill_datasets::Schema;
use serde::{Deserialize, Serialize};

use super::TrainedSamples;
use crate::model::InputScale;

/// A model version, as `version.json` and the event of its publication describe it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Unique over all runs: `run/model/version`.
    pub id: String,
    /// The model's name.
    pub model: String,
    /// The version's number: 1, 2, 3, …
    pub version: u64,
    /// The version that was active before; its weights were the start of a fine-tuning.
    pub parent: Option<u64>,
    /// Why it was trained.
    pub trigger: TriggerInfo,
    /// On what it was trained.
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
    /// When it was made (RFC 3339); wall-clock time.
    pub created: String,
    /// How long the training took, in seconds; wall-clock time.
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

/// Why a version was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerInfo {
    /// The decision's number: 0, 1, 2, …
    pub id: u64,
    /// The change that caused it.
    pub position: Place,
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// A one-line description.
    pub reason: String,
    /// The measured value, where the policy compares one.
    pub score: Option<f64>,
    /// What the value was compared with.
    pub threshold: Option<f64>,
}

/// On what a version was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataUsed {
    /// Samples in the training set.
    pub samples: u64,
    /// Per partition, the offsets between which the samples lie.
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
    /// Which part of the samples it trained on, if not all.
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
    /// How many offsets between were used.
    pub samples: u64,
}

/// The weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Where they are.
    pub uri: String,
    /// Their format: `safetensors`.
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
    /// What the first layer sees of a value.
    pub input_scale: InputScale,
    /// Number of classes: the model yields one score each, softmax makes them probabilities.
    pub classes: u32,
}
