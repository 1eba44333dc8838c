//! One training from start to end.

use std::time::Instant;

use burn::tensor::{Device, Int, Tensor, TensorData, activation};

use super::average::Average;
use super::loader::{Ahead, gather, prefetch};
use super::queue::Rank;
use super::worker::Worker;
use super::{Progress, Rows, Start, TrainError, TrainJob, Trained, Training, TrainingRow, Weights};
use crate::model::{Network, Random};

impl Worker {
    /// Runs `job`, giving way to inference for decisions after every step.
    pub(super) fn train(
        &self,
        job: &TrainJob,
        progress: &dyn Fn(Progress),
    ) -> Result<Trained, TrainError> {
        let started = Instant::now();
        let rows = self.usable(&job.rows)?;
        let start = job.start.as_ref().filter(|_| self.training.start == Start::Finetune);
        let mut network = match start {
            Some(weights) => self.load(weights)?,
            None => self.new_network(job.seed)?,
        };
        let plan = Plan::new(&self.training, rows, job.first || start.is_none(), job.seed);
        network.begin_training();
        let source = &*self.rows;
        let batches = plan.clone();
        let losses = prefetch(
            move |ahead| batches.load(source, ahead),
            |batches| self.fit(&mut *network, &plan, batches, progress),
        )?;
        network.end_training();
        if !network.parameters().iter().all(|value| value.is_finite()) {
            return Err(TrainError::Diverged { epoch: losses.len() });
        }
        let weights = Weights::new(network.to_bytes()?);
        let seconds = started.elapsed().as_secs_f64();
        Ok(Trained { weights, losses, seconds, steps: plan.steps() })
    }

    /// The samples that count, after a look at all of them.
    fn usable(&self, rows: &[TrainingRow]) -> Result<Vec<TrainingRow>, TrainError> {
        for row in rows {
            self.check_label(row.id, row.label)?;
            if !(row.weight.is_finite() && row.weight >= 0.0) {
                return Err(TrainError::Weight { id: row.id, weight: row.weight });
            }
        }
        // left out rather than multiplied by 0, for they would still fill batches
        let usable: Vec<_> = rows.iter().copied().filter(|row| row.weight > 0.0).collect();
        if usable.is_empty() {
            return Err(TrainError::Empty { rows: rows.len() });
        }
        Ok(usable)
    }

    /// Takes all steps; the mean loss of each epoch.
    fn fit(
        &self,
        network: &mut dyn Network,
        plan: &Plan,
        batches: &mut dyn Iterator<Item = Result<Batch, TrainError>>,
        progress: &dyn Fn(Progress),
    ) -> Result<Vec<f64>, TrainError> {
        let device = self.device.clone().autodiff();
        let mut optimizer = self.training.optimizer.init();
        let rate = self.training.optimizer.learning_rate();
        let steps = plan.steps();
        let mut average = self.training.average.map(|part| Average::over(part, steps));
        let mut epoch = Epoch::default();
        let mut losses = Vec::new();
        for (step, batch) in (1..).zip(batches) {
            let batch = batch?;
            let (weight, ends_epoch) = (batch.weight, batch.ends_epoch);
            let (input, objective) = batch.into_tensors(&device);
            let loss = network.step(input, &objective, &mut optimizer, rate);
            epoch.add(loss, weight);
            if let Some(average) = &mut average {
                average.observe(step, network);
            }
            if ends_epoch {
                losses.push(std::mem::take(&mut epoch).finish(losses.len() + 1)?);
                self.run_one(Rank::Background);
            }
            progress(Progress { step, steps, loss: losses.last().copied() });
            self.pause(Rank::Training)?;
        }
        if let Some(average) = average {
            average.apply(network);
        }
        Ok(losses)
    }
}

/// Which samples come in which order.
#[derive(Clone)]
struct Plan {
    rows: Vec<TrainingRow>,
    epochs: usize,
    batch_size: usize,
    shuffle: bool,
    seeds: [u64; 2],
}

impl Plan {
    fn new(training: &Training, rows: Vec<TrainingRow>, scratch: bool, seed: u64) -> Self {
        Self {
            rows,
            epochs: training.epochs_of(scratch).get(),
            batch_size: training.batch_size.get(),
            shuffle: training.shuffle,
            seeds: [training.seed, seed],
        }
    }

    fn steps(&self) -> u64 {
        (self.rows.len().div_ceil(self.batch_size) * self.epochs) as u64
    }

    /// Loads all batches of all epochs, until nobody wants more.
    fn load(mut self, source: &dyn Rows, ahead: &mut Ahead<Result<Batch, TrainError>>) {
        let mut random = Random::new("order", self.seeds);
        for _ in 0..self.epochs {
            if self.shuffle {
                random.shuffle(&mut self.rows);
            }
            let last = self.rows.len().div_ceil(self.batch_size) - 1;
            for (index, rows) in self.rows.chunks(self.batch_size).enumerate() {
                let values = rows.len() * source.schema().width();
                if !ahead.push(Batch::load(source, rows, index == last), values) {
                    return;
                }
            }
        }
    }
}

/// What one step learns from.
struct Batch {
    input: Vec<f32>,
    labels: Vec<i32>,
    /// The part of each sample in the sum of weights.
    shares: Vec<f32>,
    weight: f64,
    ends_epoch: bool,
}

impl Batch {
    fn load(source: &dyn Rows, rows: &[TrainingRow], ends_epoch: bool) -> Result<Self, TrainError> {
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let weight: f64 = rows.iter().map(|row| f64::from(row.weight)).sum();
        Ok(Self {
            input: gather(source, &ids)?,
            labels: rows.iter().map(|row| row.label as i32).collect(),
            shares: rows.iter().map(|row| (f64::from(row.weight) / weight) as f32).collect(),
            weight,
            ends_epoch,
        })
    }

    /// The input and its cross entropy, weighted by the samples' shares.
    fn into_tensors(self, device: &Device) -> (Tensor<2>, impl Fn(Tensor<2>) -> Tensor<1>) {
        let rows = self.labels.len();
        let width = self.input.len() / rows;
        let input = Tensor::from_data(TensorData::new(self.input, [rows, width]), device);
        let labels = Tensor::<2, Int>::from_data(TensorData::new(self.labels, [rows, 1]), device);
        let shares = Tensor::<2>::from_data(TensorData::new(self.shares, [rows, 1]), device);
        let objective = move |logits| {
            let likelihood = activation::log_softmax(logits, 1).gather(1, labels.clone());
            (likelihood * shares.clone()).sum().neg()
        };
        (input, objective)
    }
}

/// The losses of an epoch's steps, read back from the device only once.
#[derive(Default)]
struct Epoch {
    losses: Vec<Tensor<1>>,
    weights: Vec<f64>,
}

impl Epoch {
    fn add(&mut self, loss: Tensor<1>, weight: f64) {
        self.losses.push(loss);
        self.weights.push(weight);
    }

    /// The mean loss of the epoch `number`.
    fn finish(self, number: usize) -> Result<f64, TrainError> {
        let losses: Vec<f32> =
            Tensor::cat(self.losses, 0).into_data().try_into_vec().expect("losses are f32");
        let sum: f64 =
            losses.iter().zip(&self.weights).map(|(loss, weight)| f64::from(*loss) * weight).sum();
        let loss = sum / self.weights.iter().sum::<f64>();
        if loss.is_finite() { Ok(loss) } else { Err(TrainError::Diverged { epoch: number }) }
    }
}
