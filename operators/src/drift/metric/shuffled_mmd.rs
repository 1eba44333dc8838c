//! The permutation test of the maximum mean discrepancy.

use gemm::Parallelism;
use rayon::prelude::*;

use super::{Block, Kernel, Tested, distances_between, distances_within, permutation};
use crate::Matrix;
use crate::criterion::Significance;

/// Number of rows of the reference that are processed at a time.
const ROWS: usize = 96;
/// The error bound of sums of 32-bit numbers.
const ROUNDING: f64 = 1e-7;

/// MMD² of the samples and of their permutations.
///
/// Let z be the indicator of the first sample among all points, and K the kernels of all pairs of points,
/// with each pair once. MMD² then follows from
///
/// ```text
/// zᵀKz    the sum within the first sample
/// Kz      and with it the sums over the pairs that have one end, or any, in it
/// ```
///
/// All permutations together are therefore one product of K with the matrix of their indicators. Only the
/// kernels within the reference are stored. Of the others, one block of rows is computed at a time,
/// multiplied and discarded.
///
/// This type is the matrix of indicators: one row per point and one column per split, starting with the
/// given split. The last column holds ones.
pub(super) struct Shuffles {
    significance: Significance,
    /// Numbers of rows of both samples.
    rows: [usize; 2],
    splits: usize,
    values: Vec<f32>,
}

/// Sums of kernels over pairs of points, for each split.
struct Sums {
    /// The sum over pairs within the first sample.
    within: Vec<f64>,
    /// The sum over pairs, each weighted by its number of ends in the first sample.
    ends: Vec<f64>,
    /// The sum over all pairs.
    all: f64,
}

impl Shuffles {
    pub(super) fn new(significance: &Significance, [n, m]: [usize; 2]) -> Self {
        let splits = significance.permutations.get() + 1;
        let mut values = vec![0.0; (n + m) * (splits + 1)];
        let given = std::iter::once((0..n + m).collect());
        for (split, order) in given.chain(permutation::splits(significance, [n, m])).enumerate() {
            let order: Vec<usize> = order;
            order[..n].iter().for_each(|point| values[point * (splits + 1) + split] = 1.0);
        }
        values.iter_mut().skip(splits).step_by(splits + 1).for_each(|one| *one = 1.0);
        Self { significance: significance.clone(), rows: [n, m], splits, values }
    }

    /// Whether shuffles for these arguments would be the same.
    pub(super) fn are(&self, significance: &Significance, rows: [usize; 2]) -> bool {
        self.rows == rows && self.significance == *significance
    }

    /// Tests the samples. `kernels` are those of the pairs of each point of the reference with later ones.
    pub(super) fn test(
        &self,
        kernel: Kernel,
        kernels: &[f32],
        reference: &Matrix,
        current: &Matrix,
    ) -> Tested {
        let n = reference.rows();
        let between = |Block { first, cols, values }: Block<'_>| {
            kernel.apply(values);
            self.sums(values, cols, [first, n])
        };
        let within = |Block { first, cols, values }: Block<'_>| {
            kernel.apply(values);
            // each pair once, and no point with itself.
            let rows = values.chunks_exact_mut(cols);
            rows.enumerate().for_each(|(index, row)| row[..=index].fill(0.0));
            self.sums(values, cols, [n + first, n + first])
        };
        let mut sums = Sums::of(self.splits);
        let blocks = [
            self.within_reference(kernels, n),
            distances_between(reference, current, between),
            distances_within(current, within),
        ];
        blocks.iter().flatten().for_each(|block| sums.add(block));
        let mut distances = sums.distances(self.rows);
        let value = distances.next().unwrap_or(0.0);
        let p_value = permutation::p_value(value, ROUNDING, distances);
        Tested { value, p_values: vec![p_value] }
    }

    fn within_reference(&self, kernels: &[f32], n: usize) -> Vec<Sums> {
        let block = |number: usize| {
            let first = number * ROWS;
            let (rows, cols) = (ROWS.min(n - first), n - first);
            let mut values = vec![0.0; rows * cols];
            for (index, row) in values.chunks_exact_mut(cols).enumerate() {
                // the rows before it have n − 1, n − 2, … later points.
                let point = first + index;
                let begin = point * (2 * n - point - 1) / 2;
                row[index + 1..].copy_from_slice(&kernels[begin..][..n - point - 1]);
            }
            self.sums(&values, cols, [first, first])
        };
        (0..n.div_ceil(ROWS)).into_par_iter().map(block).collect()
    }

    /// The sums over the pairs of a block of kernels: pairs of the points from `own` on and those from
    /// `others` on.
    fn sums(&self, kernels: &[f32], cols: usize, [own, others]: [usize; 2]) -> Sums {
        let width = self.splits + 1;
        let products = self.product(kernels, others, cols);
        let mut sums = Sums::of(self.splits);
        let own = self.values[own * width..].chunks_exact(width);
        for (own, products) in own.zip(products.chunks_exact(width)) {
            let later = f64::from(products[self.splits]);
            sums.all += later;
            for split in 0..self.splits {
                let (own, product) = (f64::from(own[split]), f64::from(products[split]));
                sums.within[split] += own * product;
                sums.ends[split] += own * later + product;
            }
        }
        sums
    }

    /// The product of `block` and the indicators of the `cols` points from `first` on.
    fn product(&self, block: &[f32], first: usize, cols: usize) -> Vec<f32> {
        let (rows, width) = (block.len() / cols, self.splits + 1);
        let right = &self.values[first * width..][..cols * width];
        let mut product = vec![0.0f32; rows * width];
        assert!(block.len() == rows * cols && right.len() == cols * width, "other points");
        #[expect(unsafe_code, reason = "gemm takes pointers; the assertion above is its contract")]
        unsafe {
            gemm::gemm(
                rows,
                width,
                cols,
                product.as_mut_ptr(),
                1,
                width as isize,
                false,
                block.as_ptr(),
                1,
                cols as isize,
                right.as_ptr(),
                1,
                width as isize,
                0.0f32,
                1.0f32,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
        product
    }
}

impl Sums {
    fn of(splits: usize) -> Self {
        Self { within: vec![0.0; splits], ends: vec![0.0; splits], all: 0.0 }
    }

    fn add(&mut self, other: &Self) {
        let add = |own: &mut [f64], other: &[f64]| {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        };
        add(&mut self.within, &other.within);
        add(&mut self.ends, &other.ends);
        self.all += other.all;
    }

    /// MMD² for each split into n and m points.
    fn distances(&self, [n, m]: [usize; 2]) -> impl Iterator<Item = f64> {
        let pairs = |count: usize| (count * count.saturating_sub(1) / 2).max(1) as f64;
        let (x_pairs, y_pairs, all_pairs) = (pairs(n), pairs(m), (n * m) as f64);
        self.within.iter().zip(&self.ends).map(move |(within, ends)| {
            let between = ends - 2.0 * within;
            let within_second = self.all - within - between;
            within / x_pairs + within_second / y_pairs - 2.0 * between / all_pairs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MMD² by its definition, for two sets of points on a line.
    fn plain(kernel: Kernel, x: &[f32], y: &[f32]) -> f64 {
        let mean = |a: &[f32], b: &[f32], pairs: usize, own: f64| {
            let k = |a: &f32| b.iter().map(|b| kernel.of((a - b) * (a - b))).sum::<f64>();
            (a.iter().map(k).sum::<f64>() - own) / pairs as f64
        };
        let (n, m) = (x.len(), y.len());
        mean(x, x, n * (n - 1), n as f64) + mean(y, y, m * (m - 1), m as f64)
            - 2.0 * mean(x, y, n * m, 0.0)
    }

    #[test]
    fn a_product_gives_what_each_shuffle_gives() {
        let x: Vec<f32> = (0..150).map(|i| ((i * 37) % 71) as f32).collect();
        let y: Vec<f32> = (0..45).map(|i| ((i * 29) % 53) as f32 + 5.0).collect();
        let [reference, current] = [&x, &y].map(|values| Matrix::new(1, values.clone()));
        let kernel = Kernel::median(&mut [400.0]);
        let table = r#"{ "p_value": 0.05, "permutations": 30 }"#;
        let significance: Significance = serde_json::from_str(table).expect("a table");
        let mut kernels =
            distances_within(&reference, |block| block.later().collect::<Vec<_>>().concat())
                .concat();
        kernel.apply(&mut kernels);
        let tested =
            Shuffles::new(&significance, [150, 45]).test(kernel, &kernels, &reference, &current);
        assert!((tested.value - plain(kernel, &x, &y)).abs() < ROUNDING);

        let all = [x.as_slice(), &y].concat();
        let shuffled = permutation::splits(&significance, [150, 45]).map(|order| {
            let points: Vec<f32> = order.into_iter().map(|point| all[point]).collect();
            plain(kernel, &points[..150], &points[150..])
        });
        let p_value = permutation::p_value(tested.value, ROUNDING, shuffled);
        assert!(p_value > 0.04 && p_value < 0.99, "{p_value} tells nothing");
        assert_eq!(tested.p_values, [p_value]);
    }
}
