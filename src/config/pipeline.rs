//! The pipeline file as a structure.

use std::collections::BTreeMap;

use driftmill_datasets::Schema;
use driftmill_datasets::codec::CodecTable;
use driftmill_operators::Span;
use driftmill_operators::flow::shadowed;
use driftmill_operators::selection::{Holdout, SelectionTable};
use driftmill_operators::trigger::{OnDelete, TriggerTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dead_letters::DeadLetters;
use crate::model::ModelTable;
use crate::retention::{Policies, Retention};
use crate::sink::SinkTable;
use crate::source::{OrderRules, SourceTable};
use crate::store::Store;
use crate::train::{Downsampling, Training};

/// A pipeline file: from samples to model versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Name of the model that this pipeline publishes: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The source of samples.
    pub source: SourceTable,
    /// The codec that decodes messages into samples. Generators and Parquet files need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecTable>,
    /// Event time, late samples and reading ahead.
    #[serde(default)]
    pub order: OrderRules,
    /// The policy that decides when to train.
    pub trigger: TriggerTable,
    /// The policy that selects training sets.
    pub selection: SelectionTable,
    /// The choice of samples within a training set by a model's outputs (default: all samples).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downsampling: Option<Downsampling>,
    /// The action when a sample is deleted that the newest version was trained on: `"keep"` (default) or
    /// `"retrain"`. It applies to comparisons as well.
    #[serde(default, skip_serializing_if = "OnDelete::is_keep")]
    pub on_delete: OnDelete,
    /// The model's architecture.
    pub model: ModelTable,
    /// The settings of trainings.
    pub training: Training,
    /// The evaluation of models.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// The destinations of model versions, in addition to the run's model store.
    #[serde(default)]
    pub sink: SinkTable,
    /// The destination of invalid messages.
    #[serde(default)]
    pub dead_letters: DeadLetters,
    /// The end of a job on SIGTERM.
    #[serde(default)]
    pub shutdown: Shutdown,
    /// The checkpoints, which limit the work that a restarted job repeats.
    #[serde(default)]
    pub checkpoint: Checkpoint,
    /// The storage of the log.
    #[serde(default, skip_serializing_if = "Store::is_default")]
    pub store: Store,
    /// The removal of old data that nothing can ask for any more.
    #[serde(default, skip_serializing_if = "Retention::is_default")]
    pub retention: Retention,
    /// Other policies that run on the same stream for comparison with this pipeline's. They train, but
    /// publish nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub compare: BTreeMap<String, Comparison>,
    /// Other triggers that observe the same stream and use this pipeline's models. They train nothing, but
    /// their decisions are recorded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shadow: BTreeMap<String, Shadow>,
}

/// A trigger that trains nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// The policy whose decisions are recorded.
    pub trigger: TriggerTable,
}

/// The name of a shadow in the catalog. Names of branches contain no slash.
pub fn shadow_key(name: &str) -> String {
    format!("{SHADOWS}{name}")
}

/// The prefix of shadow names.
pub const SHADOWS: &str = "shadow/";

/// Policies that are compared with the pipeline's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The policy that decides when to train.
    pub trigger: TriggerTable,
    /// The policy that selects training sets (default: that of the pipeline).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionTable>,
    /// The choice of samples within a training set (default: that of the pipeline; `ratio = 1.0` chooses
    /// all).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downsampling: Option<Downsampling>,
}

/// The policies of the pipeline itself, or of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Composition<'a> {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub name: &'a str,
    /// The trigger policy.
    pub trigger: &'a TriggerTable,
    /// The selection policy.
    pub selection: &'a SelectionTable,
    /// The downsampling, if there is one.
    pub downsampling: Option<&'a Downsampling>,
}

/// The prequential evaluation: every labelled sample is scored by the active version before it is trained
/// on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Length of the intervals of event time for which accuracy and loss are reported, such as `"30d"`
    /// (default: one interval for the whole stream).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// A share of all samples that no version is ever trained on, such as `0.1` or
    /// `{ fraction = 0.1, seed = 7 }`. Samples are held out by their keys, or by their ids in topics
    /// without keys (default: none).
    #[serde(default, skip_serializing_if = "Holdout::is_none")]
    pub holdout: Holdout,
}

/// The end of a job on SIGTERM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// Time limit for a running training and for the publication of versions (default `"10s"`). Unfinished
    /// work is done when the job is started again.
    pub grace: Span,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { grace: Span::from_millis(10_000) }
    }
}

/// The checkpoints, which limit the work that a restarted job repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoint {
    /// Number of samples after which the state of the trigger policy is recorded if there was no decision
    /// (default 250,000).
    pub every: std::num::NonZeroU64,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { every: std::num::NonZeroU64::new(250_000).expect("it is not zero") }
    }
}

impl Pipeline {
    /// Sets values that follow from other tables.
    pub(super) fn complete(&mut self) {
        if let (SourceTable::kafka(source), Some(sink)) = (&self.source, &mut self.sink.kafka)
            && sink.brokers.is_none()
        {
            sink.brokers = Some(source.brokers.clone());
            sink.properties = source.properties.with(&sink.properties);
        }
        let dead_letters = &mut self.dead_letters;
        if let SourceTable::kafka(source) = &self.source
            && dead_letters.topic.is_some()
            && dead_letters.brokers.is_none()
        {
            dead_letters.brokers = Some(source.brokers.clone());
            dead_letters.properties = source.properties.with(&dead_letters.properties);
        }
    }

    /// All branches: the pipeline's own, then the comparisons.
    pub fn branches(&self) -> impl Iterator<Item = Composition<'_>> {
        let own = Composition {
            name: "",
            trigger: &self.trigger,
            selection: &self.selection,
            downsampling: self.downsampling.as_ref(),
        };
        let compared = self.compare.iter().map(move |(name, comparison)| Composition {
            name,
            trigger: &comparison.trigger,
            selection: comparison.selection.as_ref().unwrap_or(own.selection),
            downsampling: comparison.downsampling.as_ref().or(own.downsampling),
        });
        std::iter::once(own).chain(compared)
    }

    /// The policies of all branches and of shadows.
    pub fn policies(&self) -> Vec<Policies<'_>> {
        let branches = self.branches().map(|branch| Policies {
            policy: branch.name.to_owned(),
            trigger: self.on_delete.around(branch.trigger.init()),
            selection: Some(branch.selection),
        });
        let shadows = self.shadow.iter().map(|(name, shadow)| Policies {
            policy: shadow_key(name),
            trigger: shadowed(shadow.trigger.init()),
            selection: None,
        });
        branches.chain(shadows).collect()
    }

    /// Shape and type of the samples' features; none if the source must be read to determine them.
    pub fn schema(&self) -> Option<Schema> {
        self.source.schema().or_else(|| self.codec.as_ref().map(|codec| codec.schema()))
    }
}
