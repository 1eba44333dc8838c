//! Logistic regression.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::Matrix;

/// Maximum number of steps of Newton's method; fewer than ten are usual.
const STEPS: usize = 50;
/// The search ends at a step whose largest component is below this.
const CONVERGED: f64 = 1e-9;

/// Logistic regression with an L2 penalty on the weights and none on the intercept.
///
/// ```text
/// minimize  Σ ln(1 + exp(−sᵢ (wᵀxᵢ + b))) + ½ penalty ‖w‖²      s: +1 or −1
/// ```
///
/// Fitted by Newton's method from zero. A step that does not descend is halved. There is no learning rate
/// and no randomness. With a penalty of 1 the result is that of scikit-learn's `LogisticRegression()`. A
/// step costs O(n·d² + d³).
///
/// Reference: T. Hastie, R. Tibshirani and J. Friedman, *The Elements of Statistical Learning* (2009),
/// §4.4.
///
/// ```
/// use driftmill_operators::{Matrix, drift::Logistic};
/// let points = Matrix::new(1, vec![0.0, 1.0, 2.0, 3.0]);
/// let model = Logistic::fit(&points, &[false, false, true, true], 1.0);
/// assert!(model.score(&[1.4]) < 0.0 && model.score(&[1.6]) > 0.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// One weight per column.
    pub weights: Vec<f64>,
    /// A constant that is added to every score.
    pub intercept: f64,
}

impl Logistic {
    /// Fits the regression to the labels `positive`, one for each row. `penalty` must be above zero.
    pub fn fit(points: &Matrix, positive: &[bool], penalty: f64) -> Self {
        let (rows, cols) = (points.rows(), points.cols());
        let x = DMatrix::from_fn(rows, cols + 1, |row, col| {
            if col < cols { f64::from(points.row(row)[col]) } else { 1.0 }
        });
        let y = DVector::from_iterator(rows, positive.iter().map(|p| f64::from(u8::from(*p))));
        let mut penalties = DVector::from_element(cols + 1, penalty);
        // without this, the intercept would diverge if all rows are of one class.
        penalties[cols] = 1e-9;
        let mut weights = DVector::zeros(cols + 1);
        let mut least = loss(&x, &y, &penalties, &weights);
        for _ in 0..STEPS {
            let Some(step) = newton(&x, &y, &penalties, &weights) else { break };
            let halves = (0..30).map(|half| &weights - &step * 0.5f64.powi(half));
            let better = halves
                .map(|weights| (loss(&x, &y, &penalties, &weights), weights))
                .find(|(loss, _)| *loss < least);
            let Some((loss, next)) = better else { break };
            (least, weights) = (loss, next);
            if step.amax() < CONVERGED {
                break;
            }
        }
        Self { intercept: weights[cols], weights: weights.iter().take(cols).copied().collect() }
    }

    /// wᵀx + b, the logarithm of the odds that a point is positive.
    pub fn score(&self, point: &[f32]) -> f64 {
        let along = self.weights.iter().zip(point).map(|(weight, x)| weight * f64::from(*x));
        along.sum::<f64>() + self.intercept
    }
}

fn loss(x: &DMatrix<f64>, y: &DVector<f64>, penalties: &DVector<f64>, w: &DVector<f64>) -> f64 {
    let scores = x * w;
    // ln(1 + e^s) without overflow.
    let of = |s: f64, y: f64| s.max(0.0) + (-s.abs()).exp().ln_1p() - y * s;
    let data: f64 = scores.iter().zip(y.iter()).map(|(s, y)| of(*s, *y)).sum();
    data + 0.5 * penalties.iter().zip(w.iter()).map(|(p, w)| p * w * w).sum::<f64>()
}

/// The product of the inverse second derivatives and the first derivatives.
fn newton(
    x: &DMatrix<f64>,
    y: &DVector<f64>,
    penalties: &DVector<f64>,
    w: &DVector<f64>,
) -> Option<DVector<f64>> {
    let probabilities = (x * w).map(|s| 1.0 / (1.0 + (-s).exp()));
    let slope = x.tr_mul(&(&probabilities - y)) + penalties.component_mul(w);
    let mut weighted = x.clone();
    for (mut row, p) in weighted.row_iter_mut().zip(probabilities.iter()) {
        row *= p * (1.0 - p);
    }
    let mut curvature = x.tr_mul(&weighted);
    for (i, penalty) in penalties.iter().enumerate() {
        curvature[(i, i)] += penalty;
    }
    Some(Cholesky::new(curvature)?.solve(&slope))
}
