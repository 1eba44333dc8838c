//! AdamW.

use burn::optim::{AdamWConfig, ModuleOptimizer};
use driftmill_datasets::{Fraction, NonNegative, Positive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptimizerConfig;

pub(in crate::train) const EXAMPLE: &str = "learning_rate = 0.001";

/// Adam with decoupled weight decay. Steps are scaled by the size of recent gradients.
///
/// ```text
/// m ← beta_1 · m + (1 − beta_1) · gradient
/// v ← beta_2 · v + (1 − beta_2) · gradient²
/// weight ← weight − learning_rate · (m̂ / (√v̂ + 10⁻⁸) + weight_decay · weight)
/// ```
///
/// m̂ and v̂ are corrected for the start at 0.
///
/// Reference: Loshchilov and Hutter, “Decoupled Weight NonNegative Regularization”, ICLR 2019.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// Length of a step. Default: 0.001.
    pub learning_rate: Positive,
    /// Strength of the decay of weights towards 0. Default: 0.01.
    pub weight_decay: NonNegative,
    /// Share of the past in the mean gradient, 0 to 1. Default: 0.9.
    pub beta_1: Fraction,
    /// Share of the past in the mean squared gradient, 0 to 1. Default: 0.999.
    pub beta_2: Fraction,
}

impl Default for AdamW {
    fn default() -> Self {
        Self {
            learning_rate: Positive::try_from(0.001).expect("0.001 is above 0"),
            weight_decay: NonNegative::try_from(0.01).expect("0.01 is at least 0"),
            beta_1: Fraction::try_from(0.9).expect("0.9 is below 1"),
            beta_2: Fraction::try_from(0.999).expect("0.999 is below 1"),
        }
    }
}

impl OptimizerConfig for AdamW {
    fn init(&self) -> ModuleOptimizer {
        AdamWConfig::new()
            .with_beta_1(self.beta_1.get() as f32)
            .with_beta_2(self.beta_2.get() as f32)
            .with_epsilon(1e-8)
            .with_weight_decay(self.weight_decay.get() as f32)
            .init()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate.get()
    }
}
