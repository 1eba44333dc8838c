//! The trigger on drift between two windows.

mod aggregate;
mod calibration;
mod comparing;
mod metric_set;
mod window_sample;

pub use aggregate::Aggregate;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::intervals::Intervals;
use super::{Stable, Trigger, TriggerConfig, TriggerTable};
use crate::criterion::Direction;
use crate::drift::metric::MetricTable;
use crate::drift::window::WindowTable;
use comparing::DriftTrigger;

pub(super) const EXAMPLE: &str = "every = 250
windows.amount = { reference = 1000, current = 500 }
metrics.mmd = { threshold = { p_value = 0.01 } }";

/// Trains when the newest samples measurement unlike those that the newest model knows.
///
/// Every `every` samples the current window is compared with the reference window: on raw
/// features, on the newest model's embeddings, or on its predictions. Each metric whose distance
/// is beyond its [threshold](crate::criterion::Criterion) votes for training; `aggregate` says how
/// many votes it takes.
///
/// While there is no model to ask, and in any case for the first `warmup` samples, nothing is
/// compared: `warmup_trigger` decides, or, without one, the end of the warm-up trains the first
/// model.
///
/// Thresholds that follow the values before begin with those of the warm-up: when there is a model,
/// it compares the reference windows that the warm-up had, the newest of them, with the warm-up's
/// last interval. Without a warm-up of two intervals or more the first comparison only begins the
/// history.
///
/// What the newest model says of an unchanged reference is asked once.
///
/// A trailing part of less than `every` samples is never evaluated. A sample that is retracted
/// leaves the windows, or the interval that is not complete; labels are not evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Samples between two comparisons.
    pub every: NonZeroUsize,
    /// Samples before the first comparison (default 0: the first `every` train the first model).
    #[serde(default)]
    pub warmup: u64,
    /// Decides in the warm-up, evaluated after every `every` samples; `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// What is compared (default `embeddings`).
    #[serde(default)]
    pub on: Compared,
    /// Which samples are compared.
    pub windows: WindowTable,
    /// Most samples taken from each window, at random from `seed` (default 5000).
    #[serde(default = "crate::defaults::count::<5000>")]
    pub sample_size: NonZeroUsize,
    /// Seed of the choice of samples (default 0).
    #[serde(default)]
    pub seed: u64,
    /// Leading principal components of the reference that are compared instead of all dimensions
    /// (default: all dimensions). Finding them costs O(d³) once for each reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pca: Option<NonZeroUsize>,
    /// The distances and their thresholds.
    pub metrics: MetricTable,
    /// How many of several metrics must find drift (default `any`).
    #[serde(default)]
    pub aggregate: Aggregate,
}

/// What of the samples is compared.
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

impl TriggerConfig for Drift {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(DriftTrigger::new(self))
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let metrics = self.metrics.check().into_iter();
        let mut problems: Vec<_> = metrics.map(|problem| ("metrics", problem)).collect();
        problems.extend(Intervals::check(self.warmup_trigger.as_deref()));
        let votes = self.aggregate.check(self.metrics.named().len());
        problems.extend(votes.map(|problem| ("aggregate", problem)));
        problems
    }

    fn stable(&self) -> Stable<'_> {
        let named = self.metrics.named().into_iter();
        Stable::Thresholds {
            metrics: named.map(|(key, _)| (key, Direction::Higher)).collect(),
            aggregate: self.aggregate,
            every: self.every.get(),
        }
    }
}
