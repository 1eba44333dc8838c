//! Layers with initial weights from our own random generator, with the distributions of PyTorch.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation};

use super::{Random, fast_conv};

/// A dense layer; weights and biases are uniform within ±1/√inputs.
pub(super) fn dense(inputs: usize, outputs: usize, device: &Device, random: &mut Random) -> Linear {
    let bound = 1.0 / (inputs as f32).sqrt();
    Linear {
        weight: parameter([inputs, outputs], bound, device, random),
        bias: Some(parameter([outputs], bound, device, random)),
    }
}

/// A 3×3 convolution that keeps the size, relu, and a maximum over each 2×2 square.
#[derive(Module, Debug)]
pub(super) struct ConvBlock {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    /// Whether the tensors are on the CPU, for which there are separate kernels.
    #[module(skip)]
    fast: bool,
}

impl ConvBlock {
    /// Creates a block with weights and biases uniform within ±1/√(9 × inputs).
    pub(super) fn new([inputs, outputs]: [usize; 2], device: &Device, random: &mut Random) -> Self {
        let bound = 1.0 / ((9 * inputs) as f32).sqrt();
        Self {
            weight: parameter([outputs, inputs, 3, 3], bound, device, random),
            bias: parameter([outputs], bound, device, random),
            fast: *device == Device::flex(),
        }
    }

    /// Halves height and width, which must be even.
    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        if self.fast {
            return fast_conv::conv_pool(input, weight, bias);
        }
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let output = activation::relu(conv2d(input, weight, Some(bias), options));
        max_pool2d(output, MaxPoolOptions::new([2, 2]))
    }
}

fn parameter<const D: usize>(
    shape: [usize; D],
    bound: f32,
    device: &Device,
    random: &mut Random,
) -> Param<Tensor<D>> {
    let values = (0..shape.iter().product()).map(|_| random.symmetric(bound)).collect();
    Param::from_data(TensorData::new::<f32, _>(values, shape), device)
}
