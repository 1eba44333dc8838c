//! The interface of an architecture, and the network that is made from it.

use std::borrow::Cow;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;

use super::network::Objective;
use super::{ModelError, Network, file, parameters};

/// An architecture: a Burn module from which [`Net`] makes a [`Network`].
pub trait Architecture: Module + 'static {
    /// Computes the embedding of each row of `input`.
    fn features(&self, input: Tensor<2>) -> Tensor<2>;

    /// Computes the scores of each row of [`Architecture::features`].
    fn head(&self, features: Tensor<2>) -> Tensor<2>;
}

/// A network of one architecture.
///
/// Burn's optimizers consume a module and return another. The option is empty only in between.
pub struct Net<A> {
    module: Option<A>,
    trains: bool,
}

impl<A: Architecture> Net<A> {
    /// Creates a network for inference.
    pub fn new(module: A) -> Self {
        Self { module: Some(module), trains: false }
    }

    fn module(&self) -> &A {
        self.module.as_ref().expect("a module is absent only while it is replaced")
    }

    /// The module for inference.
    fn plain(&self) -> Cow<'_, A> {
        if self.trains {
            // this is cheap, because tensors are shared.
            Cow::Owned(self.module().valid())
        } else {
            Cow::Borrowed(self.module())
        }
    }

    fn replace(&mut self, change: impl FnOnce(A) -> A) {
        let module = self.module.take().expect("a module is absent only while it is replaced");
        self.module = Some(change(module));
    }
}

fn scores(module: &impl Architecture, input: Tensor<2>) -> Tensor<2> {
    module.head(module.features(input))
}

impl<A: Architecture> Network for Net<A> {
    fn features(&self, input: Tensor<2>) -> Tensor<2> {
        self.plain().features(input)
    }

    fn logits(&self, input: Tensor<2>) -> Tensor<2> {
        scores(&*self.plain(), input)
    }

    fn both(&self, input: Tensor<2>) -> [Tensor<2>; 2] {
        let module = self.plain();
        let features = module.features(input);
        [features.clone(), module.head(features)]
    }

    fn begin_training(&mut self) {
        self.replace(Module::train);
        self.trains = true;
    }

    fn end_training(&mut self) {
        self.replace(|module| module.valid());
        self.trains = false;
    }

    fn step(
        &mut self,
        input: Tensor<2>,
        objective: Objective<'_>,
        optimizer: &mut ModuleOptimizer,
        rate: f64,
    ) -> Tensor<1> {
        let loss = objective(scores(self.module(), input));
        let gradients = GradientsParams::from_grads(loss.backward(), self.module());
        self.replace(|module| optimizer.step(rate, module, gradients));
        // without its graph, so that a stored loss does not keep the graph in memory
        loss.inner()
    }

    fn parameters(&self) -> Vec<f32> {
        parameters::read(self.module())
    }

    fn set_parameters(&mut self, values: &[f32]) {
        self.replace(|module| parameters::write(module, values));
    }

    fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        file::write(self.module())
    }

    fn load(&mut self, bytes: Vec<u8>) -> Result<(), ModelError> {
        let module = self.module.as_mut().expect("a module is absent only while it is replaced");
        file::read(module, bytes)
    }
}
