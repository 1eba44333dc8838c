use gemm::Parallelism;
use pulp::{Arch, Simd, WithSimd};

use crate::Matrix;

/// The Gaussian kernel `k(a, b) = exp(−‖a − b‖² / 2σ²)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernel {
    /// `−1 / 2σ²`.
    exponent: f32,
}

impl Kernel {
    /// The kernel whose bandwidth is the median heuristic over the points of `reference`:
    /// `σ² = ½ · median of the squared distances of different points`.
    ///
    /// The median is the lower one where there are two, as in Alibi Detect's `sigma_median`.
    pub fn median(distances: &[f32], points: usize) -> Self {
        let mut pairs = Vec::with_capacity(points * points.saturating_sub(1) / 2);
        for row in 0..points {
            pairs.extend_from_slice(&distances[row * points..][row + 1..points]);
        }
        let median = match pairs.len() {
            0 => 0.0,
            count => *pairs.select_nth_unstable_by((count - 1) / 2, f32::total_cmp).1,
        };
        // points that are all equal leave no scale: any bandwidth tells them from others.
        let squared_sigma = if median > 0.0 { 0.5 * median } else { 0.5 };
        Self { exponent: -0.5 / squared_sigma }
    }

    /// Sum of the kernel over squared distances.
    pub fn sum(&self, distances: &[f32]) -> f64 {
        // the vector units of the machine at hand; the order of additions is the same on all.
        Arch::new().dispatch(Sum { exponent: self.exponent, distances })
    }
}

/// A type and not a closure, which would be compiled apart and without vector units.
struct Sum<'a> {
    exponent: f32,
    distances: &'a [f32],
}

impl WithSimd for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut total = 0.0;
        for chunk in self.distances.chunks(LANES * 128) {
            let mut lanes = [0.0f32; LANES];
            let (whole, rest) = chunk.as_chunks::<LANES>();
            for block in whole {
                for (lane, distance) in lanes.iter_mut().zip(block) {
                    *lane += exp(distance * self.exponent);
                }
            }
            let rest: f32 = rest.iter().map(|distance| exp(distance * self.exponent)).sum();
            total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + f64::from(rest);
        }
        total
    }
}

const LANES: usize = 16;

/// `eˣ` for x ≤ 0 with a relative error below 3·10⁻⁷, without branches so that it vectorizes.
///
/// Splits x = n·ln 2 + r, |r| ≤ ½ ln 2, and evaluates the Taylor polynomial of degree 6 in r.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = x.max(-87.0);
    let n = (x * std::f32::consts::LOG2_E - 0.5) as i32;
    // no fused multiply-add: it would round differently where there is none.
    let r = x - n as f32 * LN_2_HIGH - n as f32 * LN_2_LOW;
    let mut p = 1.0 / 720.0;
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + c;
    }
    p * f32::from_bits(((n + 127) << 23) as u32)
}

/// ln 2 in two parts, the first with few bits, so that `n · LN_2_HIGH` is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `‖a − b‖²` for every row a of `left` and b of `right`, row after row of `left`; never negative.
pub fn squared_distances(left: &Matrix, right: &Matrix) -> Vec<f32> {
    let (rows, cols) = (left.rows(), right.rows());
    let [left_norms, right_norms] = [left, right].map(squared_norms);
    let mut out: Vec<f32> =
        left_norms.iter().flat_map(|a| right_norms.iter().map(move |b| a + b)).collect();
    if out.is_empty() {
        return out;
    }
    let width = left.cols() as isize;
    // out ← out − 2 · left · rightᵀ
    #[expect(unsafe_code, reason = "gemm takes pointers; the sizes are those of the slices")]
    unsafe {
        gemm::gemm(
            rows,
            cols,
            left.cols(),
            out.as_mut_ptr(),
            1,
            cols as isize,
            true,
            left.values().as_ptr(),
            1,
            width,
            right.values().as_ptr(),
            width,
            1,
            1.0f32,
            -2.0f32,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
    out.iter_mut().for_each(|distance| *distance = distance.max(0.0));
    out
}

fn squared_norms(matrix: &Matrix) -> Vec<f32> {
    (0..matrix.rows()).map(|row| matrix.row(row).iter().map(|value| value * value).sum()).collect()
}

/// Mean of the kernel over pairs of different points of one set, given all squared distances.
pub fn mean_kernel(kernel: Kernel, distances: &[f32], points: usize) -> f64 {
    // the diagonal is k(a, a) = 1, whatever rounding left of ‖a − a‖².
    let diagonal: f64 = (0..points).map(|i| kernel.sum(&distances[i * points + i..][..1])).sum();
    let pairs = (points * points.saturating_sub(1)).max(1);
    (kernel.sum(distances) - diagonal) / pairs as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exp() {
        for i in 0..87_000 {
            let x = -(i as f32) / 1000.0;
            let error = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
    }

    #[test]
    fn distances_match_the_definition() {
        let a = Matrix::new(2, vec![0.0, 0.0, 3.0, 4.0, 1.0, 1.0]);
        let b = Matrix::new(2, vec![0.0, 0.0, 1.0, 1.0]);
        assert_eq!(squared_distances(&a, &b), [0.0, 2.0, 25.0, 13.0, 2.0, 0.0]);
    }
}
