//! Optimizers, which `[training.optimizer.…]` tables define.

use burn::optim::ModuleOptimizer;

/// A table of an optimizer in a pipeline file.
pub trait OptimizerConfig {
    /// Creates the optimizer, without the state of earlier steps.
    fn init(&self) -> ModuleOptimizer;

    /// Length of a step against the gradient.
    fn learning_rate(&self) -> f64;
}

driftmill_registry::one_of! {
    /// The `[training.optimizer]` table of a pipeline file.
    #[derive(schemars::JsonSchema)]
    OptimizerTable: dyn OptimizerConfig {
        sgd: Sgd,
        adamw: AdamW,
    }
}

impl Default for OptimizerTable {
    fn default() -> Self {
        Self::sgd(Sgd::default())
    }
}
