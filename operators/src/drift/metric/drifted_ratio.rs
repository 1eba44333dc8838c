//! The share of columns that drifted.

use serde::{Deserialize, Serialize};

use super::{Metric, MetricConfig, MetricTable, measure};
use crate::Matrix;
use crate::criterion::{Criterion, Direction, History};

pub(super) const EXAMPLE: &str = "threshold = 0.5
of.ks = { threshold = { p_value = 0.05 } }";

/// The share of dimensions that drift.
///
/// A dimension drifts if a metric in `of` is beyond its threshold, a number or a p-value. The share is
/// between 0 and 1.
///
/// Reference: Evidently 0.4, where `of` is the normalized Wasserstein distance with threshold 0.1, and the
/// threshold of the share is 0.2.
///
/// ```
/// use driftmill_operators::{Matrix, drift::metric::*};
/// let table = "threshold = 0.2\nof.ks = { threshold = 0.5 }";
/// let config: DriftedRatio = toml::from_str(table).unwrap();
/// let reference = Matrix::new(2, vec![0.0, 0.0, 1.0, 1.0]);
/// let current = Matrix::new(2, vec![0.0, 2.0, 1.0, 3.0]);
/// assert_eq!(config.init().distance(&reference, &current), 0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DriftedRatio {
    /// Share of dimensions; drift from this value on.
    pub threshold: Criterion,
    /// The metrics of a single dimension and their thresholds.
    pub of: Box<MetricTable>,
}

impl MetricConfig for DriftedRatio {
    fn init(&self) -> Box<dyn Metric> {
        Box::new(Ratio { of: (*self.of).clone(), metrics: Vec::new() })
    }

    fn threshold(&self) -> &Criterion {
        &self.threshold
    }

    fn check(&self) -> Vec<String> {
        let named = self.of.named();
        let follows =
            |(_, config): &&(&str, &dyn MetricConfig)| config.threshold().remembers().is_some();
        let follows = named.iter().filter(follows).map(|(key, _)| {
            format!("{key}: a dimension has no history: wanted a number or a p_value")
        });
        let problems = self.of.check().into_iter().chain(follows);
        problems.map(|problem| format!("of: {problem}")).collect()
    }
}

struct Ratio {
    of: MetricTable,
    /// The metrics of each dimension, which cache computations for the reference.
    metrics: Vec<Vec<Bounded>>,
}

/// A metric with its threshold.
struct Bounded {
    metric: Box<dyn Metric>,
    threshold: Criterion,
}

impl Metric for Ratio {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        let named = self.of.named();
        let bounded = |(_, config): &(&str, &dyn MetricConfig)| Bounded {
            metric: config.init(),
            threshold: config.threshold().clone(),
        };
        self.metrics.resize_with(reference.cols(), || named.iter().map(bounded).collect());
        let drifted = self.metrics.iter_mut().enumerate().map(|(col, metrics)| {
            let column = |matrix: &Matrix| Matrix::new(1, matrix.col(col).collect());
            let (reference, current) = (column(reference), column(current));
            let drifts = |one: &mut Bounded| {
                let measured = measure(&mut *one.metric, &one.threshold, &reference, &current);
                let history = &mut History::default();
                one.threshold.compare(history, Direction::Higher, measured).fires
            };
            usize::from(metrics.iter_mut().any(drifts))
        });
        drifted.sum::<usize>() as f64 / reference.cols() as f64
    }
}
