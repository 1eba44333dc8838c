//! Drift as the quality of a classifier that distinguishes two samples.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Metric, MetricConfig};
use crate::Matrix;
use crate::criterion::Criterion;
use crate::drift::{Logistic, roc_auc};

pub(super) const EXAMPLE: &str = "threshold = 0.6";

/// Scores that differ by less than this are equal: rounding errors do not order them.
const RESOLUTION: f64 = 1e-6;

/// The quality of a classifier that distinguishes the current sample from the reference: the
/// cross-validated ROC-AUC of a logistic regression.
///
/// The AUC is ½ if the classifier cannot distinguish them (with random deviations in both directions) and 1
/// if it makes no error. Columns are scaled to mean 0 and variance 1 over both samples. The fold of a row
/// depends on its values. The result is therefore independent of the order of rows and of random numbers,
/// and equal rows are never in both training and test set. The AUC is that of pairs within a fold. The
/// metric detects changes of means along any direction, in any number of dimensions, but not changes of the
/// spread alone. Costs O((n+m)·d² + d³) for each of about ten steps and each fold. With many dimensions,
/// set the trigger's `pca`.
///
/// Reference: D. Lopez-Paz and M. Oquab, *Revisiting Classifier Two-Sample Tests*, ICLR 2017; the
/// model-based drift of Evidently 0.4 (one half for training, stochastic gradients).
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let reference = Matrix::new(1, (0..50).map(|i| i as f32).collect());
/// let current = Matrix::new(1, (0..50).map(|i| i as f32 + 100.5).collect());
/// let config = DomainClassifier { threshold: 0.55.into(), folds: 5.try_into().unwrap() };
/// assert_eq!(config.init().distance(&reference, &current), 1.0);
/// assert_eq!(config.init().distance(&reference, &reference), 0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DomainClassifier {
    /// ROC-AUC; drift from this value on.
    pub threshold: Criterion,
    /// Number of folds. Each fold is tested with a model trained on all others (default 5; at least 2).
    #[serde(default = "crate::defaults::count::<5>")]
    pub folds: NonZeroUsize,
}

impl MetricConfig for DomainClassifier {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(Classifier { folds: self.folds.get() as u64 })
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }

    fn neutral(&self) -> f64 {
        NEUTRAL
    }

    fn check(&self) -> Vec<String> {
        match self.folds.get() {
            1 => vec!["folds: one part leaves nothing to train on".to_owned()],
            _ => Vec::new(),
        }
    }
}

struct Classifier {
    folds: u64,
}

impl Metric for Classifier {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        let rows = reference.rows() + current.rows();
        let values = [reference.values(), current.values()].concat();
        let all = standardized(&Matrix::new(reference.cols(), values));
        let kind: Vec<bool> = (0..rows).map(|row| row >= reference.rows()).collect();
        let fold: Vec<u64> = [reference, current]
            .iter()
            .flat_map(|points| (0..points.rows()).map(|row| hash(points.row(row)) % self.folds))
            .collect();
        let (mut ordered, mut pairs) = (0.0, 0.0);
        for number in 0..self.folds {
            let (test, train): (Vec<usize>, Vec<usize>) =
                (0..rows).partition(|row| fold[*row] == number);
            let (auc, weight) = tested(&all, &kind, &train, &test);
            ordered += auc * weight;
            pairs += weight;
        }
        if pairs > 0.0 { ordered / pairs } else { NEUTRAL }
    }
}

const NEUTRAL: f64 = 0.5;

/// The AUC on `test` of a model trained on `train`, and its number of pairs.
fn tested(all: &Matrix, kind: &[bool], train: &[usize], test: &[usize]) -> (f64, f64) {
    let values = train.iter().flat_map(|row| all.row(*row)).copied().collect();
    let kinds: Vec<bool> = train.iter().map(|row| kind[*row]).collect();
    let model = Logistic::fit(&Matrix::new(all.cols(), values), &kinds, 1.0);
    let score = |row: &usize| (model.score(all.row(*row)) / RESOLUTION).round();
    let (positives, negatives): (Vec<usize>, Vec<usize>) = test.iter().partition(|row| kind[**row]);
    let [positives, negatives] =
        [positives, negatives].map(|rows| rows.iter().map(score).collect::<Vec<f64>>());
    (roc_auc(&positives, &negatives), (positives.len() * negatives.len()) as f64)
}

fn hash(row: &[f32]) -> u64 {
    // adding zero makes −0 equal to 0.
    let bytes: Vec<u8> = row.iter().flat_map(|value| (value + 0.0).to_le_bytes()).collect();
    xxh3_64(&bytes)
}

/// Columns scaled to mean 0 and variance 1. Constant columns become 0.
fn standardized(points: &Matrix) -> Matrix {
    let rows = points.rows() as f64;
    let scale = |col: usize| {
        let mean = points.col(col).map(f64::from).sum::<f64>() / rows;
        let squares: f64 = points.col(col).map(|value| (f64::from(value) - mean).powi(2)).sum();
        (mean, (squares / rows).sqrt())
    };
    let scales: Vec<(f64, f64)> = (0..points.cols()).map(scale).collect();
    let scaled = points.values().iter().zip(scales.iter().cycle());
    let scaled = scaled.map(|(value, (mean, deviation))| {
        if *deviation > 0.0 { ((f64::from(*value) - mean) / deviation) as f32 } else { 0.0 }
    });
    Matrix::new(points.cols(), scaled.collect())
}
