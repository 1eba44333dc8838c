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
    /// Name of the model that this pipeline publishes: dead letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Where samples come from.
    pub source: SourceTable,
    /// How the bytes of a message become a sample; generators and Parquet files need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CodecTable>,
    /// Event time, lateness and reading ahead.
    #[serde(default)]
    pub order: OrderRules,
    /// When to train.
    pub trigger: TriggerTable,
    /// What to train on.
    pub selection: SelectionTable,
    /// Which part of that a training learns from, as a model judges it (default: all of it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downsampling: Option<Downsampling>,
    /// What follows when a sample is deleted that the newest version was trained on: `"keep"`
    /// (default) or `"retrain"`; of policies that are compared, too.
    #[serde(default, skip_serializing_if = "OnDelete::is_keep")]
    pub on_delete: OnDelete,
    /// The model's architecture.
    pub model: ModelTable,
    /// How to train.
    pub training: Training,
    /// How models are judged.
    #[serde(default)]
    pub evaluation: Evaluation,
    /// Where model versions go besides the run's model store.
    #[serde(default)]
    pub sink: SinkTable,
    /// Where messages go that are not samples.
    #[serde(default)]
    pub dead_letters: DeadLetters,
    /// How a job ends that is asked to, as services are.
    #[serde(default)]
    pub shutdown: Shutdown,
    /// How much a job that was stopped looks at again.
    #[serde(default)]
    pub checkpoint: Checkpoint,
    /// How the log is kept.
    #[serde(default, skip_serializing_if = "Store::is_default")]
    pub store: Store,
    /// What of a run is removed when it is old and nothing can ask for it any more.
    #[serde(default, skip_serializing_if = "Retention::is_default")]
    pub retention: Retention,
    /// Other policies, run on the same stream to be compared with this pipeline's: they train, but
    /// publish nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub compare: BTreeMap<String, Comparison>,
    /// Other triggers, shown the same stream and this pipeline's models: they train nothing, but it is
    /// recorded when they would have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shadow: BTreeMap<String, Shadow>,
}

/// A trigger that trains nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// When it would train.
    pub trigger: TriggerTable,
}

/// The name of a shadow among those of branches, which have no slash.
pub fn shadow_key(name: &str) -> String {
    format!("{SHADOWS}{name}")
}

/// What such names begin with.
pub const SHADOWS: &str = "shadow/";

/// A policy that is compared with the pipeline's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// When to train.
    pub trigger: TriggerTable,
    /// What to train on (default: as the pipeline).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionTable>,
    /// Which part of that a training learns from (default: as the pipeline; all with `ratio = 1.0`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downsampling: Option<Downsampling>,
}

/// The policies of the pipeline itself, or of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Composition<'a> {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub name: &'a str,
    /// When to train.
    pub trigger: &'a TriggerTable,
    /// What to train on.
    pub selection: &'a SelectionTable,
    /// Which part of that.
    pub downsampling: Option<&'a Downsampling>,
}

/// How models are judged: every labelled sample is scored by the active version before it is
/// trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Length of the intervals of event time for which accuracy and loss are reported, as in
    /// `"30d"` (default: one interval for the whole stream).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// A share of all samples that no version is ever trained on, as in `0.1` or
    /// `{ fraction = 0.1, seed = 7 }`: samples are held out by their keys, or by themselves in topics
    /// without keys (default: none).
    #[serde(default, skip_serializing_if = "Holdout::is_none")]
    pub holdout: Holdout,
}

/// How a job ends that is asked to (SIGTERM).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shutdown {
    /// How long a training that runs may go on, and versions may take to be published (default
    /// `"10s"`); what is not done then is done when the job is started again.
    pub grace: Span,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { grace: Span::from_millis(10_000) }
    }
}

/// How much a job that was stopped looks at again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checkpoint {
    /// Samples after which the state of the trigger policy is recorded, if it decides nothing
    /// meanwhile (default 250,000).
    pub every: std::num::NonZeroU64,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { every: std::num::NonZeroU64::new(250_000).expect("it is not zero") }
    }
}

impl Pipeline {
    /// Fills in what follows from other tables.
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

    /// All branches: the pipeline's own, then those it is compared with.
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

    /// Shape and type of the samples' features; none where that takes a look at the source.
    pub fn schema(&self) -> Option<Schema> {
        self.source.schema().or_else(|| self.codec.as_ref().map(|codec| codec.schema()))
    }
}
