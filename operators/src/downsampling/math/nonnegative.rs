//! Non-negative matching of few vectors to a mean.

use super::outer::{Outer, dot};

/// Approximates the mean of all vectors by a sum of few vectors with non-negative weights:
///
/// ```text
/// min over w ≥ 0 of ‖b − Σ wᵢ aᵢ‖² + λ‖w‖²
/// ```
///
/// Each step adds the vector with the largest product with the residual of the mean. Then all weights
/// are fitted again, and vectors with a negative weight are removed. This is the algorithm of Lawson
/// and Hanson (*Solving Least Squares Problems*, 1974, chapter 23), ended early.
pub(in crate::downsampling) struct Matching<'a> {
    vectors: &'a Outer,
    ridge: f64,
    /// The active vectors and their weights, the rows of their Gram matrix, and the rows of the Cholesky
    /// factor of that matrix plus the ridge.
    active: Vec<usize>,
    weights: Vec<f64>,
    products: Vec<Vec<f64>>,
    factor: Vec<Vec<f64>>,
    /// The products of the active vectors with the mean.
    with_mean: Vec<f64>,
}

impl<'a> Matching<'a> {
    pub(in crate::downsampling) fn of(vectors: &'a Outer, ridge: f64) -> Self {
        let (active, weights, with_mean) = (Vec::new(), Vec::new(), Vec::new());
        let (products, factor) = (Vec::new(), Vec::new());
        Self { vectors, ridge, active, weights, products, factor, with_mean }
    }

    /// At most `size` vectors with their weights. There are fewer if the residual is at most `tolerance`
    /// of the mean's length or if no vector has a positive product with it.
    pub(in crate::downsampling) fn run(mut self, size: usize, tolerance: f64) -> Vec<(usize, f64)> {
        let count = self.vectors.left.rows();
        let mean: Vec<f64> = self.vectors.sum().into_iter().map(|sum| sum / count as f64).collect();
        let with_mean = self.vectors.products(&mean);
        let length = |vector: &[f64]| vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        let (whole, mut left, mut along) = (length(&mean), mean.clone(), with_mean.clone());
        let least = LEAST * with_mean.iter().copied().fold(0.0, f64::max);
        // each step reduces the residual, except for rounding, which this limit stops.
        for _ in 0..3 * size {
            if self.active.len() == size || length(&left) <= tolerance * whole {
                break;
            }
            self.active.iter().for_each(|active| along[*active] = 0.0);
            let best = (0..count).rev().max_by(|a, b| along[*a].total_cmp(&along[*b]));
            let Some(best) = best.filter(|best| along[*best] > least) else {
                break;
            };
            if !self.add(best, with_mean[best]) {
                break;
            }
            self.fit();
            left.clone_from(&mean);
            for (active, weight) in self.active.iter().zip(&self.weights) {
                self.vectors.add(&mut left, *active, -weight);
            }
            along = self.vectors.products(&left);
        }
        self.active.into_iter().zip(self.weights).collect()
    }

    /// Adds a vector. Returns whether it is linearly independent of the active vectors, up to rounding.
    fn add(&mut self, vector: usize, with_mean: f64) -> bool {
        let mut products: Vec<f64> =
            self.active.iter().map(|active| self.vectors.product(*active, vector)).collect();
        products.push(self.vectors.product(vector, vector));
        let Some(row) = factor_row(&self.factor, &products, self.ridge) else { return false };
        self.factor.push(row);
        self.products.push(products);
        self.active.push(vector);
        self.weights.push(0.0);
        self.with_mean.push(with_mean);
        true
    }

    fn remove(&mut self, place: usize) {
        self.active.remove(place);
        self.weights.remove(place);
        self.with_mean.remove(place);
        self.products.remove(place);
        self.products[place..].iter_mut().for_each(|row| {
            row.remove(place);
        });
        self.factor.truncate(place);
        for products in &self.products[place..] {
            // independence of more vectors implies that of fewer, except for rounding.
            let row = factor_row(&self.factor, products, self.ridge);
            self.factor.push(row.unwrap_or_else(|| unit(products.len())));
        }
    }

    /// Fits the weights of the active vectors; removes vectors whose weight would not be above 0.
    fn fit(&mut self) {
        while !self.active.is_empty() {
            let wanted = solve(&self.factor, &self.with_mean);
            // move towards the solution until the first weight reaches 0.
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
            self.remove(place);
        }
    }
}

/// Relative size below which a number is a rounding error.
const LEAST: f64 = 1e-10;

/// The next row of a Cholesky factor; none if the matrix does not have full rank.
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
