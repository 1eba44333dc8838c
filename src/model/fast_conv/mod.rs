//! 3×3 convolution, relu and 2×2 pooling in one step, written for the CPU.
//!
//! Burn's generic kernels are four times slower than PyTorch on small images. These kernels are faster.
//! A convolution is a product of the weights and the image's columns (`columns.rs`, `product.rs`).
//! Each image is pooled directly after its convolution (`pool.rs`), so that data larger than the pooled
//! maps never leaves the caches. Images are split over threads in a fixed number of parts (`kernels.rs`),
//! so that the order of additions does not depend on the number of threads. Gradients are written by hand
//! (`gradient.rs`) and compared with Burn's own below.

mod columns;
mod gradient;
mod kernels;
mod pool;
mod product;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

/// Operations that Burn does not have.
#[backend_extension(Flex, Autodiff)]
pub(super) trait FastConv: Backend {
    /// Convolution of `[n, c, h, w]` with `[o, c, 3, 3]` and a bias `[o]`, with zeros around the image.
    /// Returns the largest positive value in each 2×2 square, or zero, and the index of its position.
    /// Height and width must be even.
    fn conv_pool(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of weight and bias, from that of the output.
    fn conv_pool_parameter_gradients(
        input: FloatTensor<Self>,
        winners: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradient of the input, from that of the output.
    fn conv_pool_input_gradient(
        weight: FloatTensor<Self>,
        winners: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Convolution with a 3×3 kernel that keeps the size, relu, and the maximum of each 2×2 square.
pub(super) fn conv_pool(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    let (output, _) = <Dispatch as FastConv>::conv_pool(
        input.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    );
    Tensor::from_dispatch(output)
}

#[cfg(test)]
mod tests {
    use burn::tensor::module::{conv2d, max_pool2d};
    use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
    use burn::tensor::{Device, TensorData, activation};

    use super::*;
    use crate::model::Random;

    type Block = fn(Tensor<4>, Tensor<4>, Tensor<1>) -> Tensor<4>;

    fn burns(input: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let output = activation::relu(conv2d(input, weight, Some(bias), options));
        max_pool2d(output, MaxPoolOptions::new([2, 2]))
    }

    fn values<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        let mut random = Random::new("test", [seed, 0]);
        let values = (0..shape.iter().product()).map(|_| random.symmetric(1.0)).collect();
        let data = TensorData::new::<f32, _>(values, shape);
        Tensor::from_data(data, &Device::flex().autodiff())
    }

    /// Output and the gradients of input, weight and bias.
    fn run(block: Block) -> [Vec<f32>; 4] {
        let input = values([5, 3, 6, 8], 1).require_grad();
        let weight = values([4, 3, 3, 3], 2).require_grad();
        let bias = values([4], 3).require_grad();
        let output = block(input.clone(), weight.clone(), bias.clone());
        let gradients = (output.clone() * values([5, 4, 3, 4], 4)).sum().backward();
        [
            output.into_data().try_to_vec().unwrap(),
            input.grad(&gradients).unwrap().into_data().try_to_vec().unwrap(),
            weight.grad(&gradients).unwrap().into_data().try_to_vec().unwrap(),
            bias.grad(&gradients).unwrap().into_data().try_to_vec().unwrap(),
        ]
    }

    #[test]
    fn outputs_and_gradients_agree_with_burns() {
        for (ours, burns) in run(conv_pool).iter().zip(run(burns)) {
            assert_eq!(ours.len(), burns.len());
            let worst = ours.iter().zip(&burns).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4, "off by {worst}");
        }
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(conv_pool))
        };
        assert_eq!(on(1), on(3));
    }
}
