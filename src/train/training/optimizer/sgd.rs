//! Stochastic gradient descent.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{ModuleOptimizer, SgdConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decay, Momentum, OptimizerConfig, Rate};

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
    pub learning_rate: Rate,
    /// Share of the steps before in a step, 0 to 1. Default: 0.9.
    pub momentum: Momentum,
    /// How strongly weights are pulled to 0. Default: 0.
    pub weight_decay: Decay,
}

impl Default for Sgd {
    fn default() -> Self {
        Self {
            learning_rate: Rate::try_from(0.01).expect("0.01 is a rate"),
            momentum: Momentum::try_from(0.9).expect("0.9 is below 1"),
            weight_decay: Decay::try_from(0.0).expect("0 is no decay"),
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
