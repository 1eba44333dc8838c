//! Non-negative matching of few vectors to a mean.

use super::outer::{Outer, dot};

/// Matches a sum of few vectors, none with a negative weight, to the mean of all:
///
/// ```text
/// min over w ≥ 0 of ‖b − Σ wᵢ aᵢ‖² + λ‖w‖²
/// ```
///
/// One vector joins at a time, the one along which what is left of the mean is longest; then the
/// weights of all that have joined are found again, and whose would be negative leaves. This is the
/// algorithm of Lawson and Hanson (*Solving Least Squares Problems*, 1974, chapter 23), ended early.
pub(in crate::downsampling) struct Matching<'a> {
    vectors: &'a Outer,
    ridge: f64,
    /// Who has joined, with weights; products with each other, row after row; and of their matrix with
    /// the ridge the Cholesky factor.
    joined: Vec<usize>,
    weights: Vec<f64>,
    products: Vec<Vec<f64>>,
    factor: Vec<Vec<f64>>,
    /// The products of who has joined with the mean.
    with_mean: Vec<f64>,
}

impl<'a> Matching<'a> {
    pub(in crate::downsampling) fn of(vectors: &'a Outer, ridge: f64) -> Self {
        let (joined, weights, with_mean) = (Vec::new(), Vec::new(), Vec::new());
        let (products, factor) = (Vec::new(), Vec::new());
        Self { vectors, ridge, joined, weights, products, factor, with_mean }
    }

    /// At most `size` vectors with their weights; fewer where what is left of the mean is at most
    /// `tolerance` of it, or no vector lies along it.
    pub(in crate::downsampling) fn run(mut self, size: usize, tolerance: f64) -> Vec<(usize, f64)> {
        let count = self.vectors.left.rows();
        let mean: Vec<f64> = self.vectors.sum().into_iter().map(|sum| sum / count as f64).collect();
        let with_mean = self.vectors.products(&mean);
        let length = |vector: &[f64]| vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        let (whole, mut left, mut along) = (length(&mean), mean.clone(), with_mean.clone());
        let least = LEAST * with_mean.iter().copied().fold(0.0, f64::max);
        // each step comes nearer to the mean, but for rounding: then it ends here.
        for _ in 0..3 * size {
            if self.joined.len() == size || length(&left) <= tolerance * whole {
                break;
            }
            self.joined.iter().for_each(|joined| along[*joined] = 0.0);
            let best = (0..count).rev().max_by(|a, b| along[*a].total_cmp(&along[*b]));
            let Some(best) = best.filter(|best| along[*best] > least) else {
                break;
            };
            if !self.join(best, with_mean[best]) {
                break;
            }
            self.settle();
            left.clone_from(&mean);
            for (joined, weight) in self.joined.iter().zip(&self.weights) {
                self.vectors.add(&mut left, *joined, -weight);
            }
            along = self.vectors.products(&left);
        }
        self.joined.into_iter().zip(self.weights).collect()
    }

    /// Whether it is no mixture of who has joined, but for rounding.
    fn join(&mut self, vector: usize, with_mean: f64) -> bool {
        let mut products: Vec<f64> =
            self.joined.iter().map(|joined| self.vectors.product(*joined, vector)).collect();
        products.push(self.vectors.product(vector, vector));
        let Some(row) = factor_row(&self.factor, &products, self.ridge) else { return false };
        self.factor.push(row);
        self.products.push(products);
        self.joined.push(vector);
        self.weights.push(0.0);
        self.with_mean.push(with_mean);
        true
    }

    fn leave(&mut self, place: usize) {
        self.joined.remove(place);
        self.weights.remove(place);
        self.with_mean.remove(place);
        self.products.remove(place);
        self.products[place..].iter_mut().for_each(|row| {
            row.remove(place);
        });
        self.factor.truncate(place);
        for products in &self.products[place..] {
            // what was no mixture of more vectors is none of fewer, but for rounding.
            let row = factor_row(&self.factor, products, self.ridge);
            self.factor.push(row.unwrap_or_else(|| unit(products.len())));
        }
    }

    /// Finds the weights of who has joined; whoever's would not be above 0 leaves.
    fn settle(&mut self) {
        while !self.joined.is_empty() {
            let wanted = solve(&self.factor, &self.with_mean);
            // as far towards them as no weight is negative.
            let steps = self.weights.iter().zip(&wanted).enumerate();
            let steps = steps.filter(|(_, (_, wanted))| **wanted <= 0.0);
            let step = |(place, (weight, wanted)): (usize, (&f64, &f64))| {
                (weight / (weight - wanted).max(f64::MIN_POSITIVE), place)
            };
            let Some((step, place)) = steps.map(step).min_by(|a, b| a.0.total_cmp(&b.0)) else {
                self.weights = wanted;
                return;
            };
            for (weight, wanted) in self.weights.iter_mut().zip(&wanted) {
                *weight = (*weight + step * (wanted - *weight)).max(0.0);
            }
            self.leave(place);
        }
    }
}

/// What is less than this part of what it was is rounding.
const LEAST: f64 = 1e-10;

/// The next row of a Cholesky factor, nothing where the matrix has no full rank.
fn factor_row(factor: &[Vec<f64>], products: &[f64], ridge: f64) -> Option<Vec<f64>> {
    let (own, others) = products.split_last()?;
    let mut row = Vec::with_capacity(products.len());
    for (above, product) in factor.iter().zip(others) {
        let known = dot(&row, &above[..row.len()]);
        row.push((product - known) / above[row.len()]);
    }
    let rest = own + ridge - row.iter().map(|value| value * value).sum::<f64>();
    row.push((rest > LEAST * own).then(|| rest.sqrt())?);
    Some(row)
}

fn unit(length: usize) -> Vec<f64> {
    let mut row = vec![0.0; length];
    row[length - 1] = 1.0;
    row
}

/// `x` with `LLᵀx = right`.
fn solve(factor: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let mut x: Vec<f64> = Vec::with_capacity(right.len());
    for (row, right) in factor.iter().zip(right) {
        let known = dot(&x, &row[..x.len()]);
        x.push((right - known) / row[x.len()]);
    }
    for place in (0..x.len()).rev() {
        x[place] /= factor[place][place];
        let found = x[place];
        let above = x[..place].iter_mut().zip(&factor[place]);
        above.for_each(|(value, by)| *value -= found * by);
    }
    x
}
