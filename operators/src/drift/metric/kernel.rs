//! Kernels and their bandwidths.

use pulp::{Arch, Simd, WithSimd};

/// The Gaussian kernel `k(a, b) = exp(−‖a − b‖² / 2σ²)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernel {
    /// `−1 / 2σ²`.
    exponent: f32,
}

impl Kernel {
    /// The kernel whose bandwidth is the median heuristic over the squared distances of the `pairs` of
    /// different points of the reference: `σ² = ½ · median`. Reorders the pairs.
    ///
    /// Of two medians the lower one is used, as in Alibi Detect's `sigma_median`. If the median is 0,
    /// because at least half of the points are equal, it is that of the distances above 0. If all points
    /// are equal, there is no scale: the kernel is then its limit, 1 for equal points and 0 for others. In
    /// each case units do not matter.
    pub fn median(pairs: &mut [f32]) -> Self {
        let mut median = lower_median(pairs);
        if median == 0.0 {
            let mut apart: Vec<f32> = pairs.iter().copied().filter(|pair| *pair > 0.0).collect();
            median = lower_median(&mut apart);
        }
        // not infinite: infinity times a distance of 0 is NaN.
        Self { exponent: (-1.0 / median).max(f32::MIN) }
    }

    /// Sum of the kernel over squared distances.
    pub fn sum(&self, distances: &[f32]) -> f64 {
        // uses the vector units of this machine; the order of additions is the same on all machines.
        Arch::new().dispatch(Sum { exponent: self.exponent, distances })
    }
}

impl Kernel {
    /// The kernel of one squared distance.
    pub fn of(&self, distance: f32) -> f64 {
        f64::from(exp(distance * self.exponent))
    }

    /// Replaces squared distances by their kernels.
    pub fn apply(&self, distances: &mut [f32]) {
        Arch::new().dispatch(Apply { exponent: self.exponent, distances });
    }
}

/// The median, or the lower one of two medians; 0 without values.
fn lower_median(values: &mut [f32]) -> f32 {
    match values.len() {
        0 => 0.0,
        count => *values.select_nth_unstable_by((count - 1) / 2, f32::total_cmp).1,
    }
}

struct Apply<'a> {
    exponent: f32,
    distances: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.distances.iter_mut().for_each(|value| *value = exp(*value * self.exponent));
    }
}

/// The sum as a type. A closure would be compiled separately, without vector instructions.
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
    let x = if x > -87.0 { x } else { -87.0 };
    // no conversion to an integer, which would need checks for overflow: a float of this size has no
    // fraction, and its lowest bits hold n.
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    // no fused multiply-add: machines without it would round differently.
    let r = x - n * LN_2_HIGH - n * LN_2_LOW;
    let mut p = 1.0 / 720.0;
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + c;
    }
    p * f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23))
}

/// 1.5 · 2²³.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts, the first with few bits, so that `n · LN_2_HIGH` is exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bandwidth_does_not_depend_on_units() {
        for by in [1e-3f32, 1.0, 1024.0] {
            let near = |pairs: &[f32], wanted: f64| {
                let kernel =
                    Kernel::median(&mut pairs.iter().map(|pair| pair * by).collect::<Vec<_>>());
                let found = kernel.of(2.0 * by);
                assert!((found - wanted).abs() < 1e-6, "{pairs:?} × {by}: {found}");
                assert_eq!(kernel.of(0.0), 1.0);
            };
            near(&[1.0, 2.0, 4.0], (-1.0f64).exp());
            // half of the points are equal, and all of them.
            near(&[0.0, 0.0, 0.0, 4.0, 1.0], (-2.0f64).exp());
            near(&[0.0, 0.0], 0.0);
            near(&[], 0.0);
        }
    }

    #[test]
    fn exp_is_exp() {
        for i in 0..87_000 {
            let x = -(i as f32) / 1000.0;
            let error = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
    }
}
