//! Metrics that are measured for each column.

use super::{Metric, Tested, permutation, sorted_columns};
use crate::Matrix;
use crate::criterion::Significance;

/// The distance of two samples of numbers in ascending order, and its p-value.
pub(super) type ColumnTest = fn(&[f32], &[f32]) -> (f64, f64);

/// The mean over the dimensions of a distance of two samples of numbers. The columns of an unchanged
/// reference are sorted once.
pub(super) struct PerColumn<F> {
    distance: F,
    test: Option<ColumnTest>,
    reference: Option<(Matrix, Vec<Vec<f32>>)>,
}

impl<F: Fn(&[f32], &[f32]) -> f64> PerColumn<F> {
    /// Creates a metric whose `distance` compares the second sample with the first, both in ascending
    /// order.
    pub(super) fn new(distance: F) -> Self {
        Self { distance, test: None, reference: None }
    }

    /// Adds a test for a metric whose distribution without drift is known.
    pub(super) fn tested(self, test: ColumnTest) -> Self {
        Self { test: Some(test), ..self }
    }
}

impl<F> PerColumn<F> {
    /// Applies `each` to every dimension.
    fn columns<T>(
        &mut self,
        reference: &Matrix,
        current: &Matrix,
        each: impl Fn(&F, &[f32], &[f32]) -> T,
    ) -> Vec<T> {
        if self.reference.as_ref().is_none_or(|(known, _)| known != reference) {
            self.reference = Some((reference.clone(), sorted_columns(reference)));
        }
        let (_, reference) = self.reference.as_ref().expect("set above");
        let current = sorted_columns(current);
        reference.iter().zip(&current).map(|(x, y)| each(&self.distance, x, y)).collect()
    }
}

impl<F: Fn(&[f32], &[f32]) -> f64 + Send> Metric for PerColumn<F> {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        mean(&self.columns(reference, current, |distance, x, y| distance(x, y)))
    }

    fn test(&mut self, reference: &Matrix, current: &Matrix, level: &Significance) -> Tested {
        let Some(test) = self.test else {
            let mut distance = |x: &Matrix, y: &Matrix| self.distance(x, y);
            return permutation::by_shuffling(&mut distance, [reference, current], level);
        };
        let columns = self.columns(reference, current, |_, x, y| test(x, y));
        let (values, p_values): (Vec<f64>, Vec<f64>) = columns.into_iter().unzip();
        Tested { value: mean(&values), p_values }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Defines a metric that is the mean over the dimensions of a statistic whose distribution without
/// drift is known. The module has the functions `statistic` and `test`; the latter returns the
/// statistic and its p-value. Both take two samples of numbers in ascending order.
macro_rules! column_test {
    ($(#[$about:meta])* $Name:ident {
        $(#[$threshold:meta])*
        threshold,
    }) => {
        $crate::drift::metric::config::metric_config! {
            $(#[$about])* $Name {
                $(#[$threshold])*
                threshold,
            }
            metric: |_config| {
                $crate::drift::metric::per_column::PerColumn::new(statistic).tested(test)
            },
            has_null_distribution: true
        }
    };
}
pub(super) use column_test;
