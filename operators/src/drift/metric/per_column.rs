use super::{Metric, sorted_columns};
use crate::Matrix;

/// The mean over dimensions of a distance of two samples of numbers; of a reference that does not
/// change the columns are sorted once.
pub(super) struct PerColumn<F> {
    distance: F,
    reference: Option<(Matrix, Vec<Vec<f32>>)>,
}

impl<F: Fn(&[f32], &[f32]) -> f64> PerColumn<F> {
    /// `distance` is that of the second sample from the first; both are in ascending order.
    pub(super) fn new(distance: F) -> Self {
        Self { distance, reference: None }
    }
}

impl<F: Fn(&[f32], &[f32]) -> f64 + Send> Metric for PerColumn<F> {
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64 {
        if self.reference.as_ref().is_none_or(|(known, _)| known != reference) {
            self.reference = Some((reference.clone(), sorted_columns(reference)));
        }
        let (_, reference) = self.reference.as_ref().expect("set above");
        let current = sorted_columns(current);
        let distance = |(x, y): (&Vec<f32>, &Vec<f32>)| (self.distance)(x, y);
        reference.iter().zip(&current).map(distance).sum::<f64>() / reference.len() as f64
    }
}
