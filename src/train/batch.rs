//! What one step learns from, and what steps report.

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use driftmill_operators::downsampling::Chosen;

use super::loader::gather;
use super::{Rows, TrainError, TrainingRow};

/// Samples with their features.
#[derive(Default)]
pub(super) struct Batch {
    /// Scaled features, row after row.
    pub(super) input: Vec<f32>,
    /// The samples, with their weights.
    pub(super) rows: Vec<TrainingRow>,
    pub(super) ends_epoch: bool,
}

impl Batch {
    /// Reads the features of `rows`.
    pub(super) fn load(
        source: &dyn Rows,
        rows: &[TrainingRow],
        ends_epoch: bool,
    ) -> Result<Self, TrainError> {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        Ok(Self { input: gather(source, &ids)?, rows: rows.to_vec(), ends_epoch })
    }

    /// Sum of the weights.
    pub(super) fn weight(&self) -> f64 {
        self.rows.iter().map(|row| f64::from(row.weight)).sum()
    }

    /// Values per sample.
    pub(super) fn width(&self) -> usize {
        self.input.len() / self.rows.len().max(1)
    }

    /// Adds what is `chosen` of `batch`.
    pub(super) fn add(&mut self, batch: &Self, chosen: &[Chosen]) {
        let width = batch.width();
        for Chosen { index, weight } in chosen {
            self.input.extend_from_slice(&batch.input[index * width..][..width]);
            self.rows.push(batch.rows[*index].times(*weight));
        }
    }

    /// Takes the first samples out, `count` of them or all that there are.
    pub(super) fn take(&mut self, count: usize) -> Self {
        let count = count.min(self.rows.len());
        let rest = self.input.split_off(count * self.width());
        let rows = self.rows.split_off(count);
        std::mem::replace(self, Self { input: rest, rows, ends_epoch: self.ends_epoch })
    }

    /// The input and its cross entropy, weighted by each sample's part in the sum of weights.
    pub(super) fn into_tensors(
        self,
        device: &Device,
    ) -> (Tensor<2>, impl Fn(Tensor<2>) -> Tensor<1>) {
        let (count, width, weight) = (self.rows.len(), self.width(), self.weight());
        let labels: Vec<i32> = self.rows.iter().map(|row| row.label as i32).collect();
        let share = |row: &TrainingRow| (f64::from(row.weight) / weight) as f32;
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
pub(super) struct Epoch {
    losses: Vec<Tensor<1>>,
    weights: Vec<f64>,
}

impl Epoch {
    pub(super) fn add(&mut self, loss: Tensor<1>, weight: f64) {
        self.losses.push(loss);
        self.weights.push(weight);
    }

    /// The mean loss of the epoch `number`; none if it took no step.
    pub(super) fn finish(self, number: usize) -> Result<Option<f64>, TrainError> {
        if self.losses.is_empty() {
            return Ok(None);
        }
        let losses: Vec<f32> =
            Tensor::cat(self.losses, 0).into_data().try_into_vec().expect("losses are f32");
        let sum: f64 =
            losses.iter().zip(&self.weights).map(|(loss, weight)| f64::from(*loss) * weight).sum();
        let loss = sum / self.weights.iter().sum::<f64>();
        if loss.is_finite() { Ok(Some(loss)) } else { Err(TrainError::Diverged { epoch: number }) }
    }
}
