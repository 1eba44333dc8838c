//! The `[training]` table of a pipeline file.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::OptimizerTable;

/// The `[training]` table of a pipeline file: the settings of all trainings.
///
/// ```
/// use driftmill::train::Training;
/// let training: Training = toml::from_str(
///     "epochs = 4\nbatch_size = 64\nstart = \"finetune\"\n[optimizer.adamw]\nlearning_rate = 3e-3",
/// ).unwrap();
/// assert_eq!(training.epochs_of(true).get(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// The device of tensors. Default: `cpu`.
    pub device: DeviceChoice,
    /// Number of threads on the CPU. The result does not depend on it. Default: one for dense models, which
    /// are faster with one thread, and one per processor for convolutions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<NonZeroUsize>,
    /// Seed of initial weights and orders of samples. Default: 0.
    pub seed: u64,
    /// Passes over the training set. Default: 1.
    pub epochs: NonZeroUsize,
    /// Passes over the training set when training starts from scratch. Default: `epochs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_epochs: Option<NonZeroUsize>,
    /// Samples per step; the last step of an epoch may have fewer. Default: 64.
    pub batch_size: NonZeroUsize,
    /// The initial weights of a training. Default: `scratch`.
    pub start: Start,
    /// The optimizer, which turns gradients into steps. Default: `sgd`.
    pub optimizer: OptimizerTable,
    /// Whether each epoch has a different order. Default: true.
    pub shuffle: bool,
    /// The last fraction of the steps over which weights are averaged, 0 to 1. Averaging reduces the
    /// influence of the last batches. Default: no averaging.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<Fraction>,
    /// Maximum number of attempts of a training whose attempts all end together with the process. After
    /// that, its decision is recorded as failed. Default: 10.
    pub max_attempts: NonZeroU64,
    /// Number of consecutive failed trainings after which the job ends. Default: no limit; each failure is
    /// recorded, and the next decision is trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failures: Option<NonZeroU64>,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            device: DeviceChoice::default(),
            threads: None,
            seed: 0,
            epochs: NonZeroUsize::MIN,
            first_epochs: None,
            batch_size: NonZeroUsize::new(64).expect("64 is not zero"),
            start: Start::default(),
            optimizer: OptimizerTable::default(),
            shuffle: true,
            average: None,
            max_attempts: NonZeroU64::new(10).expect("10 is not zero"),
            max_failures: None,
        }
    }
}

impl Training {
    /// Number of epochs of a training from scratch, or from earlier weights.
    pub fn epochs_of(&self, scratch: bool) -> NonZeroUsize {
        self.first_epochs.filter(|_| scratch).unwrap_or(self.epochs)
    }
}

/// The device of tensors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The processor; the only device whose results are the same to the last bit.
    #[default]
    Cpu,
    /// A graphics card through Vulkan, Metal or DirectX 12.
    Wgpu,
    /// A graphics card through CUDA.
    Cuda,
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        })
    }
}

/// The initial weights of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// New random weights for each training.
    #[default]
    Scratch,
    /// The weights of the previous version. The state of the optimizer is new. Without a previous version,
    /// the same as `scratch`.
    Finetune,
}

/// A part of a whole: above 0, at most 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Fraction(f64);

impl Fraction {
    /// The part as a number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Fraction {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if value > 0.0 && value <= 1.0 {
            return Ok(Self(value));
        }
        Err(format!("wanted a fraction above 0 and at most 1, not {value}"))
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> Self {
        fraction.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_accepted_and_survives_a_round_trip() {
        let training: Training = toml::from_str("").unwrap();
        assert_eq!(training, Training::default());
        let text = toml::to_string(&training).unwrap();
        assert_eq!(toml::from_str::<Training>(&text).unwrap(), training);
    }

    #[test]
    fn every_optimizer_example_is_accepted() {
        for (key, example) in OptimizerTable::CATALOG {
            let text = format!("[optimizer.{key}]\n{example}");
            assert_eq!(toml::from_str::<Training>(&text).unwrap().optimizer.key(), *key);
        }
    }

    #[test]
    fn out_of_range_tables_are_refused() {
        for wrong in [
            "epochs = 0",
            "batch_size = 0",
            "average = 0.0",
            "average = 1.5",
            "device = \"tpu\"",
            "rate = 1",
            "[optimizer.sgd]\nlearning_rate = 0.0",
            "[optimizer.sgd]\nlearning_rate = 0.1\nmomentum = 1.0",
            "[optimizer.adamw]\nlearning_rate = nan",
        ] {
            assert!(toml::from_str::<Training>(wrong).is_err(), "{wrong}");
        }
    }
}
