//! Outer products that are never computed in full.

use rayon::prelude::*;

use crate::Matrix;

/// Vectors that are outer products `gᵢ ⊗ eᵢ` of two short vectors and are never stored in full:
/// `⟨gᵢ⊗eᵢ, gⱼ⊗eⱼ⟩ = ⟨gᵢ,gⱼ⟩·⟨eᵢ,eⱼ⟩`. Without right factors the vectors are the left factors.
pub(in crate::downsampling) struct Outer {
    pub(in crate::downsampling) left: Matrix,
    pub(in crate::downsampling) right: Option<Matrix>,
}

impl Outer {
    /// The number of components of a full vector.
    fn width(&self) -> usize {
        self.left.cols() * self.right.as_ref().map_or(1, Matrix::cols)
    }

    /// The factors of vector `row`.
    fn factors(&self, row: usize) -> (&[f32], &[f32]) {
        (self.left.row(row), self.right.as_ref().map_or(&[1.0][..], |right| right.row(row)))
    }

    /// Adds `by` times vector `row` to `sum`.
    pub(in crate::downsampling) fn add(&self, sum: &mut [f64], row: usize, by: f64) {
        let (left, right) = self.factors(row);
        for (sums, value) in sum.chunks_exact_mut(right.len()).zip(left) {
            let by = by * f64::from(*value);
            sums.iter_mut().zip(right).for_each(|(sum, value)| *sum += by * f64::from(*value));
        }
    }

    /// The sum of all vectors, in full width.
    pub(in crate::downsampling) fn sum(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.width()];
        (0..self.left.rows()).for_each(|row| self.add(&mut sum, row, 1.0));
        sum
    }

    /// The products of all vectors with one of full width.
    pub(in crate::downsampling) fn products(&self, with: &[f64]) -> Vec<f64> {
        let product = |row: usize| {
            let (left, right) = self.factors(row);
            let rows = with.chunks_exact(right.len()).zip(left);
            rows.map(|(with, value)| f64::from(*value) * dot(with, right)).sum::<f64>()
        };
        (0..self.left.rows()).into_par_iter().with_min_len(256).map(product).collect()
    }

    /// The product of two vectors.
    pub(in crate::downsampling) fn product(&self, one: usize, other: usize) -> f64 {
        let ((left, right), (left_other, right_other)) = (self.factors(one), self.factors(other));
        let plain = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        plain(left, left_other) * plain(right, right_other)
    }
}

/// The dot product, in eight independent sums.
#[inline(always)]
pub(in crate::downsampling) fn dot<T: Copy + Into<f64>>(a: &[f64], b: &[T]) -> f64 {
    let (whole, rest) = a.as_chunks::<8>();
    let (whole_b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in whole.iter().zip(whole_b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * (*b).into();
        }
    }
    let rest: f64 = rest.iter().zip(rest_b).map(|(a, b)| a * (*b).into()).sum();
    sums.iter().sum::<f64>() + rest
}
