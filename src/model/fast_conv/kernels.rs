//! Convolution, relu and pooling on one image.

use burn::backend::{DType, Flex, TensorMetadata};
use burn::tensor::{Bytes, Shape};
use burn_flex::{FlexTensor, Layout};
use pulp::Arch;
use rayon::prelude::*;

use super::FastConv;
use super::columns::{FromColumns, Image, ToColumns, Vectorized};
use super::pool::{AddSums, Pool, Unpool};
use super::product::{Factor, Into, product};

/// Number of parts of a batch. It does not depend on the number of threads.
const PARTS: usize = 8;

impl FastConv for Flex {
    fn conv_pool(
        input: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
    ) -> (FlexTensor, FlexTensor) {
        let (input, weight, bias) =
            (input.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let (rows, block) = (rows(&input), Block::new(image(&input), rows(&weight)));
        let (images, weight, bias) =
            (input.storage::<f32>(), weight.storage::<f32>(), bias.storage::<f32>());
        let mut output = vec![0.0; rows * block.pooled()];
        let mut winners = vec![0.0; output.len()];
        let part = rows.div_ceil(PARTS);
        let inputs = images.par_chunks_exact(block.image.len());
        let outputs = output.par_chunks_exact_mut(block.pooled());
        let outputs = outputs.zip(winners.par_chunks_exact_mut(block.pooled()));
        inputs.zip(outputs).with_min_len(part).for_each_init(
            || block.scratch(),
            |scratch, (image, (output, winners))| {
                block.forward(image, weight, bias, scratch, output, winners);
            },
        );
        let shape = [rows, block.maps, block.image.height / 2, block.image.width / 2];
        (tensor(output, shape), tensor(winners, shape))
    }

    fn conv_pool_parameter_gradients(
        input: FlexTensor,
        winners: FlexTensor,
        gradient: FlexTensor,
    ) -> (FlexTensor, FlexTensor) {
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let block = Block::new(image(&input), image(&winners).channels);
        let images =
            input.storage::<f32>().chunks(rows(&input).div_ceil(PARTS) * block.image.len());
        let outputs =
            gradient.storage::<f32>().chunks(rows(&input).div_ceil(PARTS) * block.pooled());
        let winners =
            winners.storage::<f32>().chunks(rows(&input).div_ceil(PARTS) * block.pooled());
        let parts: Vec<_> = images.zip(outputs.zip(winners)).collect();
        let sums: Vec<Gradients> = parts
            .into_par_iter()
            .map(|(images, (gradients, winners))| {
                block.parameter_gradients(images, gradients, winners)
            })
            .collect();
        let sum = sums.into_iter().reduce(Gradients::plus).expect("there is one part or more");
        let shape = [block.maps, block.image.channels, 3, 3];
        (tensor(sum.weight, shape), tensor(sum.bias, [block.maps]))
    }

    fn conv_pool_input_gradient(
        weight: FlexTensor,
        winners: FlexTensor,
        gradient: FlexTensor,
    ) -> FlexTensor {
        let (weight, gradient) = (weight.to_contiguous(), gradient.to_contiguous());
        let (rows, pooled) = (rows(&gradient), image(&gradient));
        let input = Image {
            channels: image(&weight).channels,
            height: 2 * pooled.height,
            width: 2 * pooled.width,
        };
        let block = Block::new(input, pooled.channels);
        let (weight, winners) = (weight.storage::<f32>(), winners.storage::<f32>());
        let mut result = vec![0.0; rows * input.len()];
        let part = rows.div_ceil(PARTS);
        let gradients = gradient.storage::<f32>().par_chunks_exact(block.pooled());
        let gradients = gradients.zip(winners.par_chunks_exact(block.pooled()));
        let images = result.par_chunks_exact_mut(input.len());
        images.zip(gradients).with_min_len(part).for_each_init(
            || block.scratch(),
            |scratch, (image, (gradients, winners))| {
                block.input_gradient(weight, gradients, winners, scratch, image)
            },
        );
        tensor(result, [rows, input.channels, input.height, input.width])
    }
}

/// A convolution of an image into maps, relu, and pooling.
#[derive(Clone, Copy)]
struct Block {
    image: Image,
    maps: usize,
}

/// Memory for one image, which fits into the nearer caches.
struct Scratch {
    padded: Vec<f32>,
    columns: Vec<f32>,
    maps: Vec<f32>,
}

impl Block {
    fn new(image: Image, maps: usize) -> Self {
        Self { image, maps }
    }

    /// Number of values of a pooled map.
    fn squares(self) -> usize {
        self.image.pixels() / 4
    }

    /// Number of values of all pooled maps.
    fn pooled(self) -> usize {
        self.maps * self.squares()
    }

    fn scratch(self) -> Scratch {
        Scratch {
            padded: vec![0.0; self.image.padded_len()],
            columns: vec![0.0; self.image.taps() * self.image.pixels()],
            maps: vec![0.0; self.maps * self.image.pixels()],
        }
    }

    fn forward(
        self,
        image: &[f32],
        weight: &[f32],
        bias: &[f32],
        Scratch { padded, columns, maps }: &mut Scratch,
        output: &mut [f32],
        winners: &mut [f32],
    ) {
        let Self { image: shape, maps: count } = self;
        let (pixels, taps, width) = (shape.pixels(), shape.taps(), shape.width);
        let arch = Arch::new();
        arch.dispatch(Vectorized(ToColumns { shape, image, padded, columns }));
        let (weight, columns) = (Factor::plain(weight, taps), Factor::plain(columns, pixels));
        product([count, taps, pixels], weight, columns, Into::Place, maps);
        arch.dispatch(Pool { maps, width, bias, output, winners });
    }

    /// The gradients of weight and bias, summed over some images.
    fn parameter_gradients(self, images: &[f32], gradients: &[f32], winners: &[f32]) -> Gradients {
        let Self { image: shape, maps: count } = self;
        let (pixels, taps, width) = (shape.pixels(), shape.taps(), shape.width);
        let arch = Arch::new();
        let mut total = Gradients::zero(count, taps);
        let Scratch { mut padded, mut columns, mut maps } = self.scratch();
        let outputs =
            gradients.chunks_exact(self.pooled()).zip(winners.chunks_exact(self.pooled()));
        for (image, (gradients, winners)) in images.chunks_exact(shape.len()).zip(outputs) {
            let (padded, columns, maps) = (&mut *padded, &mut *columns, &mut *maps);
            arch.dispatch(Vectorized(ToColumns { shape, image, padded, columns }));
            arch.dispatch(Unpool { gradients, winners, width, maps });
            arch.dispatch(AddSums { gradients, winners, sums: &mut total.bias });
            let (maps, columns) =
                (Factor::plain(maps, pixels), Factor::transposed(columns, pixels));
            product([count, pixels, taps], maps, columns, Into::Sum, &mut total.weight);
        }
        total
    }

    fn input_gradient(
        self,
        weight: &[f32],
        gradients: &[f32],
        winners: &[f32],
        Scratch { padded, columns, maps }: &mut Scratch,
        image: &mut [f32],
    ) {
        let Self { image: shape, maps: count } = self;
        let (pixels, taps, width) = (shape.pixels(), shape.taps(), shape.width);
        let arch = Arch::new();
        arch.dispatch(Unpool { gradients, winners, width, maps });
        let (weight, maps) = (Factor::transposed(weight, taps), Factor::plain(maps, pixels));
        product([taps, count, pixels], weight, maps, Into::Place, columns);
        arch.dispatch(Vectorized(FromColumns { shape, columns, padded, image }));
    }
}

/// Gradients of weight and bias.
struct Gradients {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Gradients {
    fn zero(maps: usize, taps: usize) -> Self {
        Self { weight: vec![0.0; maps * taps], bias: vec![0.0; maps] }
    }

    fn plus(mut self, other: Self) -> Self {
        self.weight.iter_mut().zip(other.weight).for_each(|(sum, value)| *sum += value);
        self.bias.iter_mut().zip(other.bias).for_each(|(sum, value)| *sum += value);
        self
    }
}

/// The first dimension.
fn rows(tensor: &FlexTensor) -> usize {
    tensor.shape()[0]
}

/// The last three dimensions.
fn image(tensor: &FlexTensor) -> Image {
    let [_, channels, height, width] = tensor.shape().dims();
    Image { channels, height, width }
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape.to_vec()));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}
