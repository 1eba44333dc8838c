//! Relu and the largest value of each 2×2 square, and the backward step.
//!
//! There are no branches: the largest of four values is unpredictable, so a processor would mispredict half
//! of them.

use pulp::{Simd, WithSimd};

/// The position in squares without a positive value.
const NONE: f32 = -1.0;

/// Writes the largest value of each square plus its map's bias, if that is positive, and the index of its
/// position. Ties go to the first.
pub(super) struct Pool<'a> {
    pub(super) maps: &'a [f32],
    pub(super) width: usize,
    pub(super) bias: &'a [f32],
    pub(super) output: &'a mut [f32],
    pub(super) winners: &'a mut [f32],
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let half = self.width / 2;
        let lines_per_map = self.output.len() / half / self.bias.len();
        let lines = self.maps.chunks_exact(4 * half).enumerate();
        let outputs = self.output.chunks_exact_mut(half).zip(self.winners.chunks_exact_mut(half));
        for ((index, line), (output, winners)) in lines.zip(outputs) {
            let bias = self.bias[index / lines_per_map];
            let (upper, lower) = line.split_at(2 * half);
            for i in 0..half {
                let [a, b] = [upper[2 * i], upper[2 * i + 1]];
                let [c, d] = [lower[2 * i], lower[2 * i + 1]];
                let (above, below) = (larger(a, b), larger(c, d));
                let (above_at, below_at) = (mask(a < b) & 1, mask(c < d) & 1 | 2);
                let is_below = mask(above < below);
                let value = larger(above, below) + bias;
                let at = (above_at & !is_below) | (below_at & is_below);
                output[i] = larger(value, 0.0);
                // all bits set are −1
                winners[i] = (at | mask(value <= 0.0)) as i32 as f32;
            }
        }
    }
}

/// The larger of two numbers, without support for NaN. Unlike `f32::max` it is one instruction.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a >= b { a } else { b }
}

/// All bits set, or none.
#[inline(always)]
fn mask(is: bool) -> u32 {
    u32::from(is).wrapping_neg()
}

/// Passes the gradient of each square to the position of the largest value, and 0 to the others.
pub(super) struct Unpool<'a> {
    pub(super) gradients: &'a [f32],
    pub(super) winners: &'a [f32],
    pub(super) width: usize,
    pub(super) maps: &'a mut [f32],
}

impl WithSimd for Unpool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let half = self.width / 2;
        let gradients = self.gradients.chunks_exact(half).zip(self.winners.chunks_exact(half));
        for (line, (gradients, winners)) in self.maps.chunks_exact_mut(4 * half).zip(gradients) {
            let (upper, lower) = line.split_at_mut(2 * half);
            for i in 0..half {
                let (gradient, winner) = (gradients[i], winners[i]);
                upper[2 * i] = handed(gradient, winner == 0.0);
                upper[2 * i + 1] = handed(gradient, winner == 1.0);
                lower[2 * i] = handed(gradient, winner == 2.0);
                lower[2 * i + 1] = handed(gradient, winner == 3.0);
            }
        }
    }
}

/// Masks the bits of the gradient unless the position has the largest value.
#[inline(always)]
fn handed(gradient: f32, wins: bool) -> f32 {
    f32::from_bits(gradient.to_bits() & mask(wins))
}

/// Adds, for each map, the gradients of all squares with a positive value, in enough lanes for additions to
/// overlap.
pub(super) struct AddSums<'a> {
    pub(super) gradients: &'a [f32],
    pub(super) winners: &'a [f32],
    pub(super) sums: &'a mut [f32],
}

impl WithSimd for AddSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let squares = self.gradients.len() / self.sums.len();
        let maps = self.gradients.chunks_exact(squares).zip(self.winners.chunks_exact(squares));
        for (sum, (gradients, winners)) in self.sums.iter_mut().zip(maps) {
            let mut lanes = [0.0; 16];
            for (gradients, winners) in gradients.chunks(16).zip(winners.chunks(16)) {
                for ((lane, gradient), winner) in lanes.iter_mut().zip(gradients).zip(winners) {
                    *lane += handed(*gradient, *winner != NONE);
                }
            }
            *sum += lanes.iter().sum::<f32>();
        }
    }
}
