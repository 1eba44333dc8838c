//! How gradients become steps: what an `[training.optimizer.…]` table builds.

mod numbers;

use burn::optim::ModuleOptimizer;
pub use numbers::{Decay, Momentum, Rate};

/// A table of an optimizer in a pipeline file.
pub trait OptimizerConfig {
    /// The optimizer, with no memory of earlier steps.
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
