//! The mean of a network's weights over the last steps of a training.

use crate::model::Network;
use crate::train::Fraction;

/// The mean of a network's weights over the last steps of a training.
pub(in crate::train) struct Average {
    /// The first step whose resulting weights count, from 1.
    first: u64,
    sums: Vec<f64>,
    count: u64,
}

impl Average {
    /// The average over the last `fraction` of `steps`, at least one step.
    pub(in crate::train) fn over(fraction: Fraction, steps: u64) -> Self {
        let counted = ((steps as f64 * fraction.get()).ceil() as u64).clamp(1, steps);
        Self { first: steps - counted + 1, sums: Vec::new(), count: 0 }
    }

    /// Adds the weights after `step`, from 1, if they count.
    pub(in crate::train) fn observe(&mut self, step: u64, network: &dyn Network) {
        if step < self.first {
            return;
        }
        let parameters = network.parameters();
        self.sums.resize(parameters.len(), 0.0);
        self.sums.iter_mut().zip(parameters).for_each(|(sum, value)| *sum += f64::from(value));
        self.count += 1;
    }

    /// Sets the weights of `network` to the mean. If fewer steps were taken than planned and none counts,
    /// the weights do not change.
    pub(in crate::train) fn apply(self, network: &mut dyn Network) {
        if self.count == 0 {
            return;
        }
        let count = self.count as f64;
        let means: Vec<f32> = self.sums.into_iter().map(|sum| (sum / count) as f32).collect();
        network.set_parameters(&means);
    }
}
