//! The loop over the steps of a training.

use burn::optim::ModuleOptimizer;
use burn::tensor::Device;

use super::average::Average;
use super::batch::{Batch, Epoch};
use super::batch_schedule::BatchSchedule;
use super::prefetch::prefetch;
use crate::model::Network;
use crate::train::downsampling::downsampler::Downsampler;
use crate::train::runtime::queue::Rank;
use crate::train::runtime::worker::Worker;
use crate::train::{Progress, TrainError, TrainJob, TrainingRow};
use driftmill_operators::downsampling::Downsampled;

/// The state of a training.
pub(in crate::train) struct TrainingLoop<'a> {
    worker: &'a Worker,
    network: &'a mut dyn Network,
    device: Device,
    optimizer: ModuleOptimizer,
    average: Option<Average>,
    downsampler: Option<Downsampler<'a>>,
    epoch: Epoch,
    losses: Vec<f64>,
    step: u64,
    /// Maximum number of steps.
    steps: u64,
    progress: &'a dyn Fn(Progress),
}

/// The results of a training, in addition to the weights.
pub(in crate::train) struct LoopOutcome {
    /// Mean loss of each epoch that took a step.
    pub(in crate::train) losses: Vec<f64>,
    pub(in crate::train) steps: u64,
    pub(in crate::train) downsampled: Option<Downsampled>,
}

impl<'a> TrainingLoop<'a> {
    /// Creates the state before the first of `steps`.
    pub(in crate::train) fn new(
        worker: &'a Worker,
        network: &'a mut dyn Network,
        job: &'a TrainJob,
        steps: u64,
        progress: &'a dyn Fn(Progress),
    ) -> Self {
        let downsampler = job.downsampling.as_ref().map(|stage| {
            Downsampler::new(worker, stage, job.irreducible.as_ref(), job.rows.len(), job.seed)
        });
        Self {
            worker,
            network,
            device: worker.device.clone().autodiff(),
            optimizer: worker.training.optimizer.init(),
            average: worker.training.average.map(|part| Average::over(part, steps)),
            downsampler,
            epoch: Epoch::default(),
            losses: Vec::new(),
            step: 0,
            steps,
            progress,
        }
    }

    /// Takes all steps.
    pub(in crate::train) fn run(
        mut self,
        mut schedule: BatchSchedule<'_>,
        candidates: Vec<TrainingRow>,
    ) -> Result<LoopOutcome, TrainError> {
        let source = &*self.worker.features;
        for epochs in schedule.blocks() {
            let rows = self.rows(&candidates, epochs)?;
            let schedule = &mut schedule;
            prefetch(
                move |ahead| schedule.load(epochs, rows, source, ahead),
                |batches| self.train(batches),
            )?;
        }
        if let Some(average) = self.average {
            average.apply(self.network);
        }
        let downsampled = self.downsampler.map(Downsampler::finish);
        Ok(LoopOutcome { losses: self.losses, steps: self.step, downsampled })
    }

    /// The samples of the next `epochs`.
    fn rows(
        &mut self,
        candidates: &[TrainingRow],
        epochs: usize,
    ) -> Result<Vec<TrainingRow>, TrainError> {
        match &mut self.downsampler {
            Some(downsampler) if !downsampler.by_batch() => {
                downsampler.rows(&*self.network, candidates, epochs)
            }
            _ => Ok(candidates.to_vec()),
        }
    }

    fn train(
        &mut self,
        batches: &mut dyn Iterator<Item = Result<Batch, TrainError>>,
    ) -> Result<(), TrainError> {
        for batch in batches {
            let batch = batch?;
            let ends_epoch = batch.ends_epoch;
            match &mut self.downsampler {
                Some(downsampler) if downsampler.by_batch() => {
                    downsampler.sift(&*self.network, &batch)?;
                    self.worker.pause(Rank::Training)?;
                    while let Some(batch) = self
                        .downsampler
                        .as_mut()
                        .and_then(|downsampler| downsampler.ready(ends_epoch))
                    {
                        self.step(batch)?;
                    }
                }
                _ => self.step(batch)?,
            }
            if ends_epoch {
                let epoch = std::mem::take(&mut self.epoch);
                self.losses.extend(epoch.finish(self.losses.len() + 1)?);
                self.worker.run_one(Rank::Background);
            }
        }
        Ok(())
    }

    fn step(&mut self, batch: Batch) -> Result<(), TrainError> {
        self.step += 1;
        let samples = batch.rows.len();
        let (input, objective) = batch.into_tensors(&self.device);
        let rate = self.worker.training.optimizer.learning_rate();
        let loss = self.network.step(input, &objective, &mut self.optimizer, rate);
        self.epoch.add(loss, samples);
        if let Some(average) = &mut self.average {
            average.observe(self.step, &*self.network);
        }
        let loss = self.losses.last().copied();
        (self.progress)(Progress { step: self.step, steps: self.steps, loss });
        self.worker.pause(Rank::Training)
    }
}
