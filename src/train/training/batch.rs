//! The batch of one step, and the progress that steps report.

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use driftmill_operators::downsampling::Chosen;

use super::prefetch::gather;
use crate::train::{FeatureStore, TrainError, TrainingRow};

/// Samples and their features.
#[derive(Default)]
pub(in crate::train) struct Batch {
    /// Scaled features, row after row.
    pub(in crate::train) input: Vec<f32>,
    /// The samples, with their weights.
    pub(in crate::train) rows: Vec<TrainingRow>,
    /// The mean weight of the training set.
    pub(in crate::train) mean: f64,
    pub(in crate::train) ends_epoch: bool,
}

impl Batch {
    /// Reads the features of `rows`.
    pub(in crate::train) fn load(
        source: &dyn FeatureStore,
        rows: &[TrainingRow],
        mean: f64,
        ends_epoch: bool,
    ) -> Result<Self, TrainError> {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        Ok(Self { input: gather(source, &ids)?, rows: rows.to_vec(), mean, ends_epoch })
    }

    /// Number of values per sample.
    pub(in crate::train) fn width(&self) -> usize {
        self.input.len() / self.rows.len().max(1)
    }

    /// Adds the `chosen` samples of `batch`.
    pub(in crate::train) fn add(&mut self, batch: &Self, chosen: &[Chosen]) {
        self.mean = batch.mean;
        let width = batch.width();
        for Chosen { index, weight } in chosen {
            self.input.extend_from_slice(&batch.input[index * width..][..width]);
            self.rows.push(batch.rows[*index].times(*weight));
        }
    }

    /// Removes and returns the first `count` samples, or all if there are fewer.
    pub(in crate::train) fn take(&mut self, count: usize) -> Self {
        let count = count.min(self.rows.len());
        let input = self.input.split_off(count * self.width());
        let rows = self.rows.split_off(count);
        let rest = Self { input, rows, mean: self.mean, ends_epoch: self.ends_epoch };
        std::mem::replace(self, rest)
    }

    /// Returns the input and its cross entropy:
    ///
    /// ```text
    /// Σ wᵢ·lossᵢ / (w̄·n)      over the n samples of the batch, w̄ being the mean of the training set
    /// ```
    ///
    /// The loss is not divided by the sum of weights of the batch, because a batch with large weights would
    /// then count like one with small weights.
    pub(in crate::train) fn into_tensors(
        self,
        device: &Device,
    ) -> (Tensor<2>, impl Fn(Tensor<2>) -> Tensor<1>) {
        let (count, width) = (self.rows.len(), self.width());
        let whole = self.mean * count as f64;
        let labels: Vec<i32> = self.rows.iter().map(|row| row.label as i32).collect();
        let share = |row: &TrainingRow| (f64::from(row.weight) / whole) as f32;
        let shares: Vec<f32> = self.rows.iter().map(share).collect();
        let input = Tensor::from_data(TensorData::new(self.input, [count, width]), device);
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [count, 1]), device);
        let shares = Tensor::<2>::from_data(TensorData::new(shares, [count, 1]), device);
        let objective = move |logits| {
            let likelihood = activation::log_softmax(logits, 1).gather(1, labels.clone());
            (likelihood * shares.clone()).sum().neg()
        };
        (input, objective)
    }
}

/// The losses of an epoch's steps, read back from the device only once.
#[derive(Default)]
pub(in crate::train) struct Epoch {
    losses: Vec<Tensor<1>>,
    /// Number of samples of each step.
    samples: Vec<f64>,
}

impl Epoch {
    pub(in crate::train) fn add(&mut self, loss: Tensor<1>, samples: usize) {
        self.losses.push(loss);
        self.samples.push(samples as f64);
    }

    /// The mean loss of the epoch `number`; none if it took no step.
    pub(in crate::train) fn finish(self, number: usize) -> Result<Option<f64>, TrainError> {
        if self.losses.is_empty() {
            return Ok(None);
        }
        let losses: Vec<f32> =
            Tensor::cat(self.losses, 0).into_data().try_into_vec().expect("losses are f32");
        let sum: f64 =
            losses.iter().zip(&self.samples).map(|(loss, count)| f64::from(*loss) * count).sum();
        // adding 0 turns −0 into 0.
        let loss = sum / self.samples.iter().sum::<f64>() + 0.0;
        if loss.is_finite() { Ok(Some(loss)) } else { Err(TrainError::Diverged { epoch: number }) }
    }
}
