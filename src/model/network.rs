//! A network with weights, of any architecture.

use burn::optim::ModuleOptimizer;
use burn::tensor::Tensor;

use super::ModelError;

/// The loss of logits: a tensor with one value.
pub type Objective<'a> = &'a dyn Fn(Tensor<2>) -> Tensor<1>;

/// A network with weights, of whatever architecture.
///
/// Inputs are rows of scaled feature values ([`super::InputScale`]), one row per sample. What comes out
/// has no gradients; those are [`Network::step`]'s business.
pub trait Network {
    /// The embedding: what the last layer sees.
    fn features(&self, input: Tensor<2>) -> Tensor<2>;

    /// One score per class; softmax makes them probabilities.
    fn logits(&self, input: Tensor<2>) -> Tensor<2>;

    /// Embedding and scores by one way through.
    fn both(&self, input: Tensor<2>) -> [Tensor<2>; 2];

    /// Lets gradients be computed, until [`Network::end_training`].
    fn begin_training(&mut self);

    /// Back to inference, which keeps no gradients.
    fn end_training(&mut self);

    /// One step of `optimizer` down the gradient of `objective`; returns the loss before it.
    fn step(
        &mut self,
        input: Tensor<2>,
        objective: Objective<'_>,
        optimizer: &mut ModuleOptimizer,
        rate: f64,
    ) -> Tensor<1>;

    /// All weights one after another, in an order that the architecture fixes.
    fn parameters(&self) -> Vec<f32>;

    /// Replaces all weights by `parameters`, in the order of [`Network::parameters`].
    ///
    /// # Panics
    /// When there are not as many.
    fn set_parameters(&mut self, parameters: &[f32]);

    /// The weights as a safetensors file; the same weights give the same bytes.
    ///
    /// # Errors
    /// When a weight cannot be read back from the device.
    fn to_bytes(&self) -> Result<Vec<u8>, ModelError>;

    /// Replaces all weights by those in a safetensors file.
    ///
    /// # Errors
    /// When the file is damaged or belongs to another architecture.
    fn load(&mut self, bytes: Vec<u8>) -> Result<(), ModelError>;
}
