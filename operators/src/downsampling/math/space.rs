//! Vectors with directions, lengths and distances.

use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::outer::Outer;
use crate::Matrix;
use crate::downsampling::{RequiredScores, SampleScores};
use crate::drift::metric::Panels;

/// The gradients of a policy. The gradients of the last layer approximate those of all layers.
///
/// Gradients by the outputs have at most c − 1 independent directions for c classes, so two opposite
/// directions for two classes. That is enough if only lengths matter, but not if sums of gradients are to
/// match a mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Gradient {
    /// Gradients by the outputs of the last layer: g.
    #[default]
    LastLayer,
    /// Gradients by the weights of the last layer: the outer product g ⊗ e with the layer's input.
    LastLayerWithEmbedding,
}

/// The vectors that are compared by similarity or distance.
///
/// The gradient by the outputs, p − onehot(y), distinguishes samples by their errors alone. It has at most
/// c − 1 independent directions for c classes, so two opposite directions for two classes: the samples of a
/// class then have equal cosines, and one sample of each class represents all others. The outer product
/// with the embedding is therefore the default. In Modyn, the default is the gradient by the outputs alone
/// (`gradients` here).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Gradients by the outputs of the last layer: g. Suitable for many classes.
    Gradients,
    /// Gradients by the weights of the last layer: the outer product g ⊗ e with its embedding.
    #[default]
    GradientsWithEmbeddings,
    /// Embeddings: the inputs of the last layer.
    Embeddings,
}

impl From<Gradient> for On {
    fn from(gradient: Gradient) -> Self {
        match gradient {
            Gradient::LastLayer => Self::Gradients,
            Gradient::LastLayerWithEmbedding => Self::GradientsWithEmbeddings,
        }
    }
}

impl On {
    /// The scores that the comparison requires.
    pub(in crate::downsampling) fn required_scores(self) -> RequiredScores {
        let (gradients, embeddings) = (self != Self::Embeddings, self != Self::Gradients);
        RequiredScores { gradients, embeddings, ..RequiredScores::default() }
    }

    /// The compared vectors.
    pub(in crate::downsampling) fn vectors(self, scores: &SampleScores) -> Outer {
        let gradients = || scores.gradients.clone().unwrap_or_default();
        let embeddings = || scores.embeddings.clone().unwrap_or_default();
        match self {
            Self::Gradients => Outer { left: gradients(), right: None },
            Self::GradientsWithEmbeddings => Outer { left: gradients(), right: Some(embeddings()) },
            Self::Embeddings => Outer { left: embeddings(), right: None },
        }
    }
}

/// Vectors as lengths and directions of length 1. The direction of a zero vector is 0.
///
/// The difference of two vectors is computed from differences and not from products, so that it is 0 for
/// equal vectors:
///
/// ```text
/// u = 1 − cos(a, b) = ½‖â − b̂‖²,      of outer products  1 − (1 − u)(1 − v) = u + v − uv
/// ‖a − b‖² = (‖a‖ − ‖b‖)² + 2‖a‖‖b‖·u
/// ```
pub(in crate::downsampling) struct Space {
    pub(in crate::downsampling) directions: Outer,
    pub(in crate::downsampling) lengths: Vec<f32>,
    /// `½(1 − ‖â‖²)` of both factors: 0 or ½.
    missing: Vec<[f32; 2]>,
}

impl Space {
    pub(in crate::downsampling) fn of(on: On, scores: &SampleScores) -> Self {
        let Outer { mut left, right } = on.vectors(scores);
        let mut lengths = vec![1.0; scores.samples];
        let mut missing = vec![[0.0; 2]; scores.samples];
        left = normalised(left, 0, &mut lengths, &mut missing);
        let right = right.map(|right| normalised(right, 1, &mut lengths, &mut missing));
        Self { directions: Outer { left, right }, lengths, missing }
    }

    pub(in crate::downsampling) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// `1 − cos`, between 0 and 2.
    pub(in crate::downsampling) fn apart(&self, one: usize, other: usize) -> f32 {
        let Outer { left, right } = &self.directions;
        let half = |side: usize, matrix: &Matrix| {
            let missing = self.missing[one][side] + self.missing[other][side];
            missing + 0.5 * squared_distance(matrix.row(one), matrix.row(other))
        };
        let u = half(0, left);
        right.as_ref().map_or(u, |right| both(u, half(1, right)))
    }

    /// The layout for blocks of [`apart`](Self::apart).
    pub(in crate::downsampling) fn blocks(&self) -> Blocks<'_> {
        let Outer { left, right } = &self.directions;
        let right = right.as_ref().map(|right| Panels::new(right, right));
        Blocks { space: self, left: Panels::new(left, left), right }
    }
}

/// The vectors laid out for products of all pairs.
pub(in crate::downsampling) struct Blocks<'a> {
    space: &'a Space,
    left: Panels,
    right: Option<Panels>,
}

impl Blocks<'_> {
    /// Fills `block` with the values of [`apart`](Space::apart) of the vectors from `first` on and of all
    /// later vectors. The values of row i up to column i are undefined. `first` is a multiple of the
    /// panels' step.
    pub(in crate::downsampling) fn fill(
        &self,
        block: &mut [f32],
        first: usize,
        spare: &mut Vec<f32>,
    ) {
        let Self { space, left, right } = self;
        let cols = space.len() - first;
        left.fill(block, cols, [first, first], true);
        space.halve(0, block, first);
        if let Some(right) = right {
            spare.resize(block.len(), 0.0);
            right.fill(spare, cols, [first, first], true);
            space.halve(1, spare, first);
            block.iter_mut().zip(spare).for_each(|(u, v)| *u = both(*u, *v));
        }
    }
}

impl Space {
    fn halve(&self, side: usize, block: &mut [f32], first: usize) {
        let others = &self.missing[first..];
        for (row, missing) in block.chunks_exact_mut(others.len()).zip(others) {
            let values = row.iter_mut().zip(others);
            values.for_each(|(u, other)| *u = missing[side] + other[side] + 0.5 * *u);
        }
    }
}

/// `1 − (1 − u)(1 − v)`.
fn both(u: f32, v: f32) -> f32 {
    u + v - u * v
}

fn normalised(
    matrix: Matrix,
    side: usize,
    lengths: &mut [f32],
    missing: &mut [[f32; 2]],
) -> Matrix {
    let mut values = matrix.values().to_vec();
    let rows = values.chunks_exact_mut(matrix.cols().max(1));
    for ((row, length), missing) in rows.zip(lengths).zip(missing) {
        let norm = norm(row);
        *length *= norm as f32;
        let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        missing[side] = if norm > 0.0 { 0.0 } else { 0.5 };
        row.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
    }
    Matrix::new(matrix.cols(), values)
}

/// The Euclidean length.
pub(in crate::downsampling) fn norm(row: &[f32]) -> f64 {
    row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// `‖a − b‖²`, with the same rounding on all machines and for both orders of the arguments.
pub(in crate::downsampling) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    Arch::new().dispatch(SquaredDistance { a, b })
}

/// The squared distance as a type. A closure would be compiled separately, without vector instructions.
struct SquaredDistance<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

const LANES: usize = 32;

impl WithSimd for SquaredDistance<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        let (a, rest_a) = self.a.as_chunks::<LANES>();
        let (b, rest_b) = self.b.as_chunks::<LANES>();
        let mut sums = [0.0f32; LANES];
        for (a, b) in a.iter().zip(b) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += (a - b) * (a - b);
            }
        }
        let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| (a - b) * (a - b)).sum();
        sums.iter().sum::<f32>() + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_products_are_as_far_apart_as_if_they_were_laid_out() {
        let gradients = Matrix::new(2, vec![0.5, -0.5, 0.1, -0.1, -0.7, 0.2, 0.0, 0.0, 0.5, -0.5]);
        let embeddings = Matrix::new(3, (0..15).map(|i| (i * 7 % 5) as f32 - 1.0).collect());
        let laid_out = |row: usize| -> Vec<f64> {
            let (g, e) = (gradients.row(row), embeddings.row(row));
            g.iter().flat_map(|g| e.iter().map(|e| f64::from(*g) * f64::from(*e))).collect()
        };
        let scores = SampleScores {
            gradients: Some(gradients.clone()),
            embeddings: Some(embeddings.clone()),
            ..SampleScores::of(5)
        };
        let space = Space::of(On::GradientsWithEmbeddings, &scores);
        let mut block = vec![0.0; 25];
        space.blocks().fill(&mut block, 0, &mut Vec::new());
        for i in 0..5 {
            for j in i + 1..5 {
                let (a, b) = (laid_out(i), laid_out(j));
                let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum();
                let (aa, bb, ab): (f64, f64, f64) =
                    (product(&a, &a), product(&b, &b), product(&a, &b));
                let cosine = if aa * bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 };
                for found in [space.apart(i, j), block[i * 5 + j]] {
                    assert!((f64::from(found) - (1.0 - cosine)).abs() < 1e-6, "{i}, {j}: {found}");
                    let [x, y] = [i, j].map(|row| f64::from(space.lengths[row]));
                    let squared = (x - y).powi(2) + 2.0 * x * y * f64::from(found);
                    assert!((squared - (aa + bb - 2.0 * ab)).abs() < 1e-5, "{i}, {j}: {squared}");
                }
                let vectors = On::GradientsWithEmbeddings.vectors(&scores);
                assert!((vectors.product(i, j) - ab).abs() < 1e-6);
                let sum = vectors.sum();
                assert!(
                    (sum.iter().zip(&a).map(|(s, a)| s * a).sum::<f64>()
                        - vectors.products(&sum)[i])
                        .abs()
                        < 1e-6
                );
            }
        }
    }
}
