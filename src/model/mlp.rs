//! A multilayer perceptron.

use std::num::NonZeroUsize;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation};
use driftmill_datasets::Schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Architecture, Classes, ModelConfig, Net, Network, Random, layers, size};

/// Dense layers with relu between them.
///
/// ```text
/// x → (linear → relu) for each hidden layer → embedding → linear → scores
/// ```
///
/// Images are processed as one long row. The file names the layers `layers.0` to `layers.N`. The last one
/// computes the scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mlp {
    /// Width of each hidden layer. The last one is the embedding. Without hidden layers, the model is a
    /// logistic regression and the embedding is the input. Default: two layers of 64.
    pub hidden: Vec<NonZeroUsize>,
    /// Number of classes. Default: 2.
    pub classes: Classes,
}

impl Default for Mlp {
    fn default() -> Self {
        let width = NonZeroUsize::new(64).expect("64 is not zero");
        Self { hidden: vec![width; 2], classes: Classes::default() }
    }
}

impl Mlp {
    /// Widths of the input, the hidden layers and the scores.
    fn widths(&self, schema: &Schema) -> Vec<usize> {
        let hidden = self.hidden.iter().map(|width| width.get());
        let scores = self.classes.get() as usize;
        std::iter::once(schema.width()).chain(hidden).chain([scores]).collect()
    }
}

impl ModelConfig for Mlp {
    fn init(&self, schema: &Schema, device: &Device, random: &mut Random) -> Box<dyn Network> {
        let layers = self
            .widths(schema)
            .windows(2)
            .map(|pair| layers::dense(pair[0], pair[1], device, random))
            .collect();
        Box::new(Net::new(MlpModule { layers }))
    }

    fn classes(&self) -> u32 {
        self.classes.get()
    }

    fn check(&self, schema: &Schema) -> Option<String> {
        if schema.width() == 0 {
            return Some(format!(
                "expects samples of one value or more, not of shape {:?}\n\
                 hint: name the features in the codec",
                schema.shape
            ));
        }
        let layers = self.widths(schema);
        size::check(layers.windows(2).map(|pair| size::dense(pair[0], pair[1])).sum())
    }

    fn is_parallel(&self) -> bool {
        // by measurement, one thread is faster for any layer that fits into the caches
        false
    }
}

#[derive(Module, Debug)]
struct MlpModule {
    layers: Vec<Linear>,
}

impl Architecture for MlpModule {
    fn features(&self, input: Tensor<2>) -> Tensor<2> {
        let (_, hidden) = self.layers.split_last().expect("the last layer gives the scores");
        hidden.iter().fold(input, |input, layer| activation::relu(layer.forward(input)))
    }

    fn head(&self, features: Tensor<2>) -> Tensor<2> {
        self.layers.last().expect("the last layer gives the scores").forward(features)
    }
}
