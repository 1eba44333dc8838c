use gemm::Parallelism;

use super::{Block, Kernel, Tested, distances_within, permutation};
use crate::Matrix;
use crate::criterion::Chance;

/// What sums of 32 bits may be off by.
const ROUNDING: f64 = 1e-7;

/// MMD² of the samples and of shuffled ones.
///
/// With z the indicator of the first sample among all points, and K the kernels of all pairs of
/// points, each pair once, all that MMD² needs is
///
/// ```text
/// zᵀKz    the sum within the first sample
/// Kz      and with it the sums over the pairs that have one end, or any, in it
/// ```
///
/// so that all shuffles together are one product of K with the matrix of their indicators. K is not
/// kept: a block of its rows is computed, multiplied and forgotten.
pub(super) fn test(
    kernel: Kernel,
    reference: &Matrix,
    current: &Matrix,
    chance: &Chance,
) -> Tested {
    let rows = [reference, current].map(Matrix::rows);
    let all = Matrix::new(reference.cols(), [reference.values(), current.values()].concat());
    let indicators = Indicators::new(chance, rows);
    let blocks = distances_within(&all, |block| indicators.sums(kernel, block));
    let mut sums = Sums::of(indicators.splits);
    blocks.iter().for_each(|block| sums.add(block));
    let mut distances = sums.distances(rows);
    let value = distances.next().unwrap_or(0.0);
    let p_value = permutation::p_value(value, ROUNDING, distances);
    Tested { value, p_values: vec![p_value] }
}

/// Which points are in the first sample: one row per point, one column per split, the given one
/// first; behind them a column of ones.
struct Indicators {
    splits: usize,
    values: Vec<f32>,
}

/// Sums of kernels over pairs of points, for each split.
struct Sums {
    /// Over pairs within the first sample.
    within: Vec<f64>,
    /// Over pairs, as often as they have an end in the first sample.
    ends: Vec<f64>,
    /// Over all pairs.
    all: f64,
}

impl Indicators {
    fn new(chance: &Chance, [n, m]: [usize; 2]) -> Self {
        let splits = chance.permutations.get() + 1;
        let mut values = vec![0.0; (n + m) * (splits + 1)];
        let given = std::iter::once((0..n + m).collect());
        for (split, order) in given.chain(permutation::splits(chance, [n, m])).enumerate() {
            let order: Vec<usize> = order;
            order[..n].iter().for_each(|point| values[point * (splits + 1) + split] = 1.0);
        }
        values.iter_mut().skip(splits).step_by(splits + 1).for_each(|one| *one = 1.0);
        Self { splits, values }
    }

    /// The sums over the pairs of a block of distances within all points.
    fn sums(&self, kernel: Kernel, block: Block<'_>) -> Sums {
        let Block { first, cols, values } = block;
        kernel.apply(values);
        // each pair once, and no point with itself.
        let rows = values.chunks_exact_mut(cols);
        rows.enumerate().for_each(|(index, row)| row[..=index].fill(0.0));
        let width = self.splits + 1;
        let products = self.product(values, first, cols);
        let mut sums = Sums::of(self.splits);
        let own = self.values[first * width..].chunks_exact(width);
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

    /// `block` times the indicators of the points from `first` on.
    fn product(&self, block: &[f32], first: usize, cols: usize) -> Vec<f32> {
        let (rows, width) = (block.len() / cols, self.splits + 1);
        let right = &self.values[first * width..];
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

    /// MMD² as it is defined, of two sets of points on a line.
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
        let x: Vec<f32> = (0..70).map(|i| ((i * 37) % 71) as f32).collect();
        let y: Vec<f32> = (0..45).map(|i| ((i * 29) % 53) as f32 + 5.0).collect();
        let [reference, current] = [&x, &y].map(|values| Matrix::new(1, values.clone()));
        let kernel = Kernel::median(&mut [400.0]);
        let table = r#"{ "p_value": 0.05, "permutations": 30 }"#;
        let chance: Chance = serde_json::from_str(table).expect("a table");
        let tested = test(kernel, &reference, &current, &chance);
        assert!((tested.value - plain(kernel, &x, &y)).abs() < ROUNDING);

        let all = [x.as_slice(), &y].concat();
        let shuffled = permutation::splits(&chance, [70, 45]).map(|order| {
            let points: Vec<f32> = order.into_iter().map(|point| all[point]).collect();
            plain(kernel, &points[..70], &points[70..])
        });
        let p_value = permutation::p_value(tested.value, ROUNDING, shuffled);
        assert!(p_value > 0.04 && p_value < 0.99, "{p_value} tells nothing");
        assert_eq!(tested.p_values, [p_value]);
    }
}
