//! Stochastic gradient descent.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{ModuleOptimizer, SgdConfig};
use driftmill_datasets::{Fraction, NonNegative, Positive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OptimizerConfig;

pub(in crate::train) const EXAMPLE: &str = "learning_rate = 0.01";

/// Stochastic gradient descent with momentum.
///
/// ```text
/// v ← momentum · v + gradient + weight_decay · weight
/// weight ← weight − learning_rate · v
/// ```
///
/// Reference: Sutskever et al., “On the importance of initialization and momentum in deep
/// learning”, ICML 2013.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// Length of a step. Default: 0.01.
    pub learning_rate: Positive,
    /// Share of the previous step in a step, 0 to 1. Default: 0.9.
    pub momentum: Fraction,
    /// Strength of the decay of weights towards 0. Default: 0.
    pub weight_decay: NonNegative,
}

impl Default for Sgd {
    fn default() -> Self {
        Self {
            learning_rate: Positive::try_from(0.01).expect("0.01 is above 0"),
            momentum: Fraction::try_from(0.9).expect("0.9 is below 1"),
            weight_decay: NonNegative::try_from(0.0).expect("0 is at least 0"),
        }
    }
}

impl OptimizerConfig for Sgd {
    fn init(&self) -> ModuleOptimizer {
        let mut config = SgdConfig::new();
        if self.momentum.get() > 0.0 {
            let momentum = MomentumConfig::new().with_momentum(self.momentum.get());
            config = config.with_momentum(Some(momentum.with_dampening(0.0)));
        }
        if self.weight_decay.get() > 0.0 {
            let decay = WeightDecayConfig::new(self.weight_decay.get() as f32);
            config = config.with_weight_decay(Some(decay));
        }
        config.init()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate.get()
    }
}
