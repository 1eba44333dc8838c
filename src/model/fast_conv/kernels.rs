use burn::backend::{DType, Flex, TensorMetadata};
use burn::tensor::{Bytes, Shape};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

use super::FastConv;
use super::columns::Image;

/// Into how many parts a batch is split, whatever the number of threads.
const PARTS: usize = 8;

impl FastConv for Flex {
    fn conv3x3(input: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        let (input, weight, bias) =
            (input.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let (rows, image) = batch(&input);
        let outputs = batch(&weight).0;
        let (pixels, taps) = (image.pixels(), image.taps());
        let (weights, biases) = (weight.storage::<f32>(), bias.storage::<f32>());
        let images = input.storage::<f32>();
        let mut output = vec![0.0; rows * outputs * pixels];
        per_image(&mut output, outputs * pixels, image, |columns, row, output| {
            image.to_columns(&images[row * image.len()..][..image.len()], columns);
            for (map, bias) in output.chunks_exact_mut(pixels).zip(biases) {
                map.fill(*bias);
            }
            let weights = Factor::plain(weights, taps);
            add_product([outputs, taps, pixels], weights, Factor::plain(columns, pixels), output);
        });
        tensor(output, [rows, outputs, image.height, image.width])
    }

    fn conv3x3_weight_gradient(input: FlexTensor, output: FlexTensor) -> (FlexTensor, FlexTensor) {
        let (input, output) = (input.to_contiguous(), output.to_contiguous());
        let (rows, image) = batch(&input);
        let outputs = batch(&output).1;
        let (images, gradients) = (input.storage::<f32>(), output.storage::<f32>());
        let part = rows.div_ceil(PARTS);
        let parts: Vec<WeightGradient> = (0..PARTS)
            .into_par_iter()
            .map(|index| {
                let mut sum = WeightGradient::zero(outputs.channels, image.taps());
                let mut columns = vec![0.0; image.taps() * image.pixels()];
                for row in (index * part).min(rows)..((index + 1) * part).min(rows) {
                    image.to_columns(&images[row * image.len()..][..image.len()], &mut columns);
                    sum.add(&columns, &gradients[row * outputs.len()..][..outputs.len()]);
                }
                sum
            })
            .collect();
        let sum =
            parts.into_iter().reduce(WeightGradient::plus).expect("there is one part or more");
        let shape = [outputs.channels, image.channels, 3, 3];
        (tensor(sum.weight, shape), tensor(sum.bias, [outputs.channels]))
    }

    fn conv3x3_input_gradient(weight: FlexTensor, output: FlexTensor) -> FlexTensor {
        let (weight, output) = (weight.to_contiguous(), output.to_contiguous());
        let (rows, outputs) = batch(&output);
        let image = Image { channels: batch(&weight).1.channels, ..outputs };
        let (pixels, taps) = (image.pixels(), image.taps());
        let (weights, gradients) = (weight.storage::<f32>(), output.storage::<f32>());
        let mut input = vec![0.0; rows * image.len()];
        per_image(&mut input, image.len(), image, |columns, row, input| {
            let gradient = &gradients[row * outputs.len()..][..outputs.len()];
            let weights = Factor::transposed(weights, taps);
            let gradient = Factor::plain(gradient, pixels);
            columns.fill(0.0);
            add_product([taps, outputs.channels, pixels], weights, gradient, columns);
            image.add_columns(columns, input);
        });
        tensor(input, [rows, image.channels, image.height, image.width])
    }

    fn relu_pool2(input: FlexTensor) -> FlexTensor {
        let input = input.to_contiguous();
        let (rows, image) = batch(&input);
        let width = image.width;
        let images = input.storage::<f32>();
        let mut output = vec![0.0; rows * image.len() / 4];
        let part = rows.div_ceil(PARTS);
        let output_rows = output.par_chunks_exact_mut(image.len() / 4).enumerate();
        output_rows.with_min_len(part).for_each(|(row, output)| {
            let lines = images[row * image.len()..][..image.len()].chunks_exact(2 * width);
            for (line, output) in lines.zip(output.chunks_exact_mut(width / 2)) {
                pool_line(line.split_at(width), output);
            }
        });
        tensor(output, [rows, image.channels, image.height / 2, width / 2])
    }

    fn relu_pool2_gradient(input: FlexTensor, output: FlexTensor) -> FlexTensor {
        let (input, output) = (input.to_contiguous(), output.to_contiguous());
        let (rows, image) = batch(&input);
        let width = image.width;
        let (images, gradients) = (input.storage::<f32>(), output.storage::<f32>());
        let mut result = vec![0.0; rows * image.len()];
        let part = rows.div_ceil(PARTS);
        let result_rows = result.par_chunks_exact_mut(image.len()).enumerate();
        result_rows.with_min_len(part).for_each(|(row, result)| {
            let lines = images[row * image.len()..][..image.len()].chunks_exact(2 * width);
            let gradients = &gradients[row * image.len() / 4..][..image.len() / 4];
            let gradients = gradients.chunks_exact(width / 2);
            for ((line, gradient), result) in
                lines.zip(gradients).zip(result.chunks_exact_mut(2 * width))
            {
                unpool_line(line.split_at(width), gradient, result.split_at_mut(width));
            }
        });
        tensor(result, [rows, image.channels, image.height, width])
    }
}

/// Sum of the gradients of weight and bias over some images.
struct WeightGradient {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl WeightGradient {
    fn zero(outputs: usize, taps: usize) -> Self {
        Self { weight: vec![0.0; outputs * taps], bias: vec![0.0; outputs] }
    }

    /// Adds one image, given its columns and the gradient of its output.
    fn add(&mut self, columns: &[f32], gradient: &[f32]) {
        let outputs = self.bias.len();
        let (taps, pixels) = (self.weight.len() / outputs, gradient.len() / outputs);
        let maps = Factor::plain(gradient, pixels);
        let transposed = Factor::transposed(columns, pixels);
        add_product([outputs, pixels, taps], maps, transposed, &mut self.weight);
        for (bias, map) in self.bias.iter_mut().zip(gradient.chunks_exact(pixels)) {
            *bias += sum(map);
        }
    }

    fn plus(mut self, other: Self) -> Self {
        self.weight.iter_mut().zip(other.weight).for_each(|(sum, value)| *sum += value);
        self.bias.iter_mut().zip(other.bias).for_each(|(sum, value)| *sum += value);
        self
    }
}

/// Calls `work` with scratch for the columns of `image`, for each row of `output`.
fn per_image(
    output: &mut [f32],
    row_len: usize,
    image: Image,
    work: impl Fn(&mut [f32], usize, &mut [f32]) + Sync,
) {
    let rows = output.par_chunks_exact_mut(row_len).enumerate();
    let part = rows.len().div_ceil(PARTS);
    rows.with_min_len(part).for_each_init(
        || vec![0.0; image.taps() * image.pixels()],
        |columns, (row, output)| work(columns, row, output),
    );
}

fn pool_line((upper, lower): (&[f32], &[f32]), output: &mut [f32]) {
    for ((output, upper), lower) in
        output.iter_mut().zip(upper.chunks_exact(2)).zip(lower.chunks_exact(2))
    {
        *output = larger(larger(upper[0], upper[1]), larger(lower[0], lower[1])).max(0.0);
    }
}

/// The larger of two numbers; unlike `f32::max` one instruction, for it need not care for NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a >= b { a } else { b }
}

/// Hands each gradient to the first largest value of its square, if that is positive.
fn unpool_line(
    (upper, lower): (&[f32], &[f32]),
    gradients: &[f32],
    (to_upper, to_lower): (&mut [f32], &mut [f32]),
) {
    // no branch, for which value wins is a coin toss: losers get the gradient's bits masked away.
    let width = 2 * gradients.len();
    let (upper, lower) = (&upper[..width], &lower[..width]);
    let (to_upper, to_lower) = (&mut to_upper[..width], &mut to_lower[..width]);
    for (i, gradient) in gradients.iter().enumerate() {
        let [a, b] = [upper[2 * i], upper[2 * i + 1]];
        let [c, d] = [lower[2 * i], lower[2 * i + 1]];
        let (left_above, left_below) = (a >= b, c >= d);
        let (above, below) = (larger(a, b), larger(c, d));
        let is_above = above >= below;
        let positive = larger(above, below) > 0.0;
        let hand = |wins: bool| {
            let mask = u32::from(wins & positive).wrapping_neg();
            f32::from_bits(gradient.to_bits() & mask)
        };
        to_upper[2 * i] = hand(is_above & left_above);
        to_upper[2 * i + 1] = hand(is_above & !left_above);
        to_lower[2 * i] = hand(!is_above & left_below);
        to_lower[2 * i + 1] = hand(!is_above & !left_below);
    }
}

/// The sum of `values`, in as many lanes as let additions overlap.
fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0; 16];
    let (blocks, rest) = values.as_chunks::<16>();
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().chain(rest).sum()
}

/// Rows and shape of an image in `[n, c, h, w]`.
fn batch(tensor: &FlexTensor) -> (usize, Image) {
    let [rows, channels, height, width] = tensor.shape().dims();
    (rows, Image { channels, height, width })
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape.to_vec()));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// A matrix factor: values and how far apart rows and columns lie.
#[derive(Clone, Copy)]
struct Factor<'a> {
    values: &'a [f32],
    strides: [usize; 2],
}

impl<'a> Factor<'a> {
    fn plain(values: &'a [f32], cols: usize) -> Self {
        Self { values, strides: [cols, 1] }
    }

    /// The transpose of a matrix with `cols` columns.
    fn transposed(values: &'a [f32], cols: usize) -> Self {
        Self { values, strides: [1, cols] }
    }

    /// Whether all of `rows` × `cols` lies within the values.
    fn holds(&self, rows: usize, cols: usize) -> bool {
        (rows - 1) * self.strides[0] + (cols - 1) * self.strides[1] < self.values.len()
    }
}

/// Adds the product of `left`, `m × k`, and `right`, `k × n`, to `sum`, on this thread.
fn add_product([m, k, n]: [usize; 3], left: Factor<'_>, right: Factor<'_>, sum: &mut [f32]) {
    assert!(left.holds(m, k) && right.holds(k, n) && sum.len() == m * n, "factors do not fit");
    let [left_row, left_col] = left.strides.map(|stride| stride as isize);
    let [right_row, right_col] = right.strides.map(|stride| stride as isize);
    #[expect(unsafe_code, reason = "gemm takes pointers; the assertion above is its contract")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            sum.as_mut_ptr(),
            1,
            n as isize,
            true,
            left.values.as_ptr(),
            left_col,
            left_row,
            right.values.as_ptr(),
            right_col,
            right_row,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
