//! The table of the trigger.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::aggregate::Aggregate;
use crate::drift::metric::MetricTable;
use crate::drift::window::WindowTable;
use crate::trigger::TriggerTable;

/// Trains when the newest samples differ from those that the newest model was trained on.
///
/// After every `every` samples the current window is compared with the reference window: by raw features,
/// by the newest model's embeddings, or by its predictions. Each metric whose distance is beyond its
/// [threshold](crate::criterion::Criterion) votes for training. `aggregate` defines the number of votes
/// that is enough.
///
/// Without a model, and during the first `warmup` samples in any case, nothing is compared:
/// `warmup_trigger` decides. Without a warm-up trigger, the end of the warm-up trains the first model.
///
/// Thresholds that follow earlier values begin with those of the warm-up. When there is a model, the newest
/// reference windows of the warm-up are compared with its last interval. If the warm-up has fewer than two
/// intervals, the first comparison only begins the history.
///
/// The model's outputs for an unchanged reference are requested only once.
///
/// The samples after the last full interval are not evaluated. A retracted sample leaves the windows and
/// the current interval. Labels are not evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Number of samples between two comparisons.
    pub every: NonZeroUsize,
    /// Number of samples before the first comparison (default 0: the first `every` train the first model).
    #[serde(default)]
    pub warmup: u64,
    /// The trigger that decides in the warm-up, evaluated after every `every` samples: `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// The compared values (default `embeddings`).
    #[serde(default)]
    pub on: Compared,
    /// The windows of compared samples.
    pub windows: WindowTable,
    /// Maximum number of samples of each window in a comparison, chosen at random (default 5000).
    #[serde(default = "crate::defaults::count::<5000>")]
    pub sample_size: NonZeroUsize,
    /// Seed of the random samples (default 0).
    #[serde(default)]
    pub seed: u64,
    /// Number of leading principal components of the reference that are compared instead of all dimensions
    /// (default: all dimensions). The components cost O(d³) once for each reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pca: Option<NonZeroUsize>,
    /// The distances and their thresholds.
    pub metrics: MetricTable,
    /// The number of metrics that must find drift (default `any`).
    #[serde(default)]
    pub aggregate: Aggregate,
}

/// The values of samples that are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// Raw feature values.
    Features,
    /// Activations of the newest model's last hidden layer.
    #[default]
    Embeddings,
    /// The newest model's class probabilities.
    Predictions,
}
