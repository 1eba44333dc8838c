//! A network with weights, of any architecture.

use burn::optim::ModuleOptimizer;
use burn::tensor::Tensor;

use super::ModelError;

/// The loss of logits: a tensor with one value.
pub type Objective<'a> = &'a dyn Fn(Tensor<2>) -> Tensor<1>;

/// A network of any architecture with its weights.
///
/// Inputs are rows of scaled feature values ([`super::InputScale`]), one row per sample. Outputs have no
/// gradients, except within [`Network::step`].
pub trait Network {
    /// Computes the embedding: the input of the last layer.
    fn features(&self, input: Tensor<2>) -> Tensor<2>;

    /// Computes one score per class. Softmax converts them to probabilities.
    fn logits(&self, input: Tensor<2>) -> Tensor<2>;

    /// Computes embedding and scores in one pass.
    fn both(&self, input: Tensor<2>) -> [Tensor<2>; 2];

    /// Enables gradients, until [`Network::end_training`].
    fn begin_training(&mut self);

    /// Returns to inference, which stores no gradients.
    fn end_training(&mut self);

    /// Takes one step of `optimizer` down the gradient of `objective`. Returns the loss before the step.
    fn step(
        &mut self,
        input: Tensor<2>,
        objective: Objective<'_>,
        optimizer: &mut ModuleOptimizer,
        rate: f64,
    ) -> Tensor<1>;

    /// All weights one after another, in a fixed order of the architecture.
    fn parameters(&self) -> Vec<f32>;

    /// Replaces all weights by `parameters`, in the order of [`Network::parameters`].
    ///
    /// # Panics
    /// When the number of parameters is wrong.
    fn set_parameters(&mut self, parameters: &[f32]);

    /// The weights as a safetensors file. Equal weights lead to equal bytes.
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
