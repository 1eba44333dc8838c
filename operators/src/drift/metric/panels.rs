//! Matrices in panels, for products of all pairs of rows.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::Matrix;

/// Number of points of a narrow panel. The sums of products with the two vectors of a wide panel then just
/// fit into the registers of most machines.
const NARROW: usize = 6;

/// Number of columns that are laid out at a time.
const AT_A_TIME: usize = 64;

/// Panels of both kinds begin at each multiple of this.
pub(crate) const STEP: usize = 96;

/// Two sets of points in the layout for products of all pairs: each column's values of several points are
/// adjacent.
///
/// ```text
/// ‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b
/// ```
///
/// Norms and products are summed in the same order, so that the distance of equal points is exactly 0. The
/// mean of all points is subtracted first. It does not change distances, but would cost precision.
pub(crate) struct Panels {
    left: WindowSample,
    right: WindowSample,
}

/// A set of points, padded with zeros to whole panels.
struct WindowSample {
    /// Number of points of a panel.
    width: usize,
    cols: usize,
    values: Vec<f32>,
    norms: Vec<f32>,
}

impl Panels {
    /// Creates panels for distances of the rows of `left` to those of `right`.
    pub(crate) fn new(left: &Matrix, right: &Matrix) -> Self {
        assert_eq!(left.cols(), right.cols(), "points of another width");
        let centre = centre(left);
        let wide = 2 * Arch::new().dispatch(Lanes);
        let [mut left, mut right] = [(left, NARROW), (right, wide)]
            .map(|(points, width)| WindowSample::of(points, width, &centre));
        Arch::new().dispatch(Norms { left: &mut left, right: &mut right });
        Self { left, right }
    }

    /// Fills `block` with the distances of the rows of the left matrix from `first` on to the rows of the
    /// right one from `from` on. A row of `block` has `cols` values. `first` and `from` must be multiples
    /// of [`STEP`].
    ///
    /// With `later`, the values of row i up to column i are undefined.
    pub(crate) fn fill(
        &self,
        block: &mut [f32],
        cols: usize,
        [first, from]: [usize; 2],
        later: bool,
    ) {
        assert!(first.is_multiple_of(STEP) && from.is_multiple_of(STEP), "panels begin elsewhere");
        Arch::new().dispatch(Fill { panels: self, block, cols, first, from, later });
    }
}

impl WindowSample {
    fn of(points: &Matrix, width: usize, centre: &[f32]) -> Self {
        let (rows, cols) = (points.rows(), points.cols());
        let panels = rows.div_ceil(width);
        let mut values = vec![0.0; panels * width * cols];
        let panel = |(panel, values): (usize, &mut [f32])| {
            // a few columns at a time, so that the destinations stay in the nearest cache.
            for (number, values) in values.chunks_mut(AT_A_TIME * width).enumerate() {
                let first = number * AT_A_TIME;
                for lane in 0..width.min(rows - panel * width) {
                    let row = &points.row(panel * width + lane)[first..];
                    let places = values[lane..].iter_mut().step_by(width);
                    let row = row.iter().zip(&centre[first..]);
                    places.zip(row).for_each(|(place, (value, centre))| *place = value - centre);
                }
            }
        };
        values.par_chunks_mut((width * cols).max(1)).enumerate().for_each(panel);
        Self { width, cols, values, norms: vec![0.0; panels * width] }
    }

    fn panel(&self, panel: usize) -> &[f32] {
        &self.values[panel * self.width * self.cols..][..self.width * self.cols]
    }
}

/// The approximate mean of the rows. It is rounded to few digits, so that differences from numbers of few
/// digits are exact.
fn centre(points: &Matrix) -> Vec<f32> {
    let mut sums = vec![0.0; points.cols()];
    for row in 0..points.rows() {
        sums.iter_mut().zip(points.row(row)).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let rounded = |sum: f64| {
        let mean = (sum / points.rows() as f64) as f32;
        f32::from_bits(mean.to_bits() & 0xffff_0000)
    };
    sums.into_iter().map(rounded).collect()
}

/// The number of values of a vector.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Sets the norms of both sides.
struct Norms<'a> {
    left: &'a mut WindowSample,
    right: &'a mut WindowSample,
}

impl WithSimd for Norms<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (norms, _) = self.left.norms.as_chunks_mut::<NARROW>();
        let points = self.left.values.chunks_exact((NARROW * self.left.cols).max(1));
        for (norms, points) in norms.iter_mut().zip(points) {
            let mut sums = [simd.splat_f32s(0.0); NARROW];
            for values in points.as_chunks::<NARROW>().0 {
                for (sum, value) in sums.iter_mut().zip(values) {
                    let value = simd.splat_f32s(*value);
                    *sum = simd.mul_add_e_f32s(value, value, *sum);
                }
            }
            for (norm, sum) in norms.iter_mut().zip(sums) {
                *norm = simd.reduce_max_f32s(sum);
            }
        }
        let (norms, _) = S::as_mut_simd_f32s(&mut self.right.norms);
        let points = self.right.values.chunks_exact((self.right.width * self.right.cols).max(1));
        for (norms, points) in norms.as_chunks_mut::<2>().0.iter_mut().zip(points) {
            let mut sums = [simd.splat_f32s(0.0); 2];
            for values in S::as_simd_f32s(points).0.as_chunks::<2>().0 {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(*value, *value, *sum);
                }
            }
            *norms = sums;
        }
    }
}

/// The arguments of [`Panels::fill`].
struct Fill<'a> {
    panels: &'a Panels,
    block: &'a mut [f32],
    cols: usize,
    first: usize,
    from: usize,
    later: bool,
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { panels: Panels { left, right }, block, cols, first, from, later } = self;
        for (number, column) in (0..cols).step_by(right.width).enumerate() {
            let panel = from / right.width + number;
            let wide = S::as_simd_f32s(right.panel(panel)).0.as_chunks::<2>().0;
            let right_norms = S::as_simd_f32s(&right.norms[panel * right.width..]).0;
            let width = right.width.min(cols - column);
            for (number, rows) in block.chunks_mut(NARROW * cols).enumerate() {
                // none of the points is a later one.
                if later && column + width <= number * NARROW + 1 {
                    break;
                }
                let panel = first / NARROW + number;
                let narrow = left.panel(panel).as_chunks::<NARROW>().0;
                let products = products(simd, narrow, wide);
                let norms = &left.norms[panel * NARROW..];
                for ((row, products), norm) in rows.chunks_exact_mut(cols).zip(products).zip(norms)
                {
                    let found = distances(simd, products, *norm, right_norms);
                    store::<S>(&mut row[column..][..width], &found);
                }
            }
        }
    }
}

/// Stores two vectors as far as the row has room for them.
#[inline(always)]
fn store<S: Simd>(row: &mut [f32], both: &[S::f32s; 2]) {
    match S::as_mut_simd_f32s(row).0 {
        [low, high] => [*low, *high] = *both,
        _ => row.copy_from_slice(&pulp::bytemuck::cast_slice(both)[..row.len()]),
    }
}

/// Computes distances from products and norms.
#[inline(always)]
fn distances<S: Simd>(
    simd: S,
    products: [S::f32s; 2],
    norm: f32,
    norms: &[S::f32s],
) -> [S::f32s; 2] {
    let norm = simd.splat_f32s(norm);
    let distance = |lane: usize| {
        let norms = simd.add_f32s(norm, norms[lane]);
        let distance = simd.mul_add_e_f32s(simd.splat_f32s(-2.0), products[lane], norms);
        simd.max_f32s(distance, simd.splat_f32s(0.0))
    };
    [distance(0), distance(1)]
}

/// The products of all points of two panels.
#[inline(always)]
fn products<S: Simd>(
    simd: S,
    narrow: &[[f32; NARROW]],
    wide: &[[S::f32s; 2]],
) -> [[S::f32s; 2]; NARROW] {
    let mut sums = [[simd.splat_f32s(0.0); 2]; NARROW];
    for ([low, high], values) in wide.iter().zip(narrow) {
        for (sum, value) in sums.iter_mut().zip(values) {
            let value = simd.splat_f32s(*value);
            sum[0] = simd.mul_add_e_f32s(*low, value, sum[0]);
            sum[1] = simd.mul_add_e_f32s(*high, value, sum[1]);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_points_have_no_distance_and_far_ones_keep_their_digits() {
        // the leading digits of all values are equal.
        let value = |i: usize| 10_000.0 + ((i * 7919) % 1009) as f32 / 1000.0;
        let points = Matrix::new(7, (0..7 * 50).map(value).collect());
        let twice = Matrix::new(7, [points.values(), points.values()].concat());
        let panels = Panels::new(&points, &twice);
        let mut block = vec![0.0; 50 * 100];
        panels.fill(&mut block, 100, [0, 0], false);
        for (i, row) in block.chunks_exact(100).enumerate() {
            assert_eq!((row[i], row[i + 50]), (0.0, 0.0), "point {i}");
            for (j, found) in row.iter().enumerate() {
                let both = points.row(i).iter().zip(twice.row(j));
                let exact: f64 = both.map(|(a, b)| f64::from(a - b).powi(2)).sum();
                assert!((f64::from(*found) - exact).abs() < 1e-3, "{i}, {j}: {found}, not {exact}");
            }
        }
    }
}
