use burn::optim::ModuleOptimizer;
use burn::tensor::Device;

use super::average::Average;
use super::batch::{Batch, Epoch};
use super::batch_schedule::Plan;
use super::prefetch::prefetch;
use crate::model::Network;
use crate::train::Downsampled;
use crate::train::Progress;
use crate::train::TrainError;
use crate::train::TrainJob;
use crate::train::TrainingRow;
use crate::train::downsampling::downsampler::Chooser;
use crate::train::runtime::queue::Rank;
use crate::train::runtime::worker::Worker;

/// A network on its way through a training.
pub(in crate::train) struct Course<'a> {
    worker: &'a Worker,
    network: &'a mut dyn Network,
    device: Device,
    optimizer: ModuleOptimizer,
    average: Option<Average>,
    chooser: Option<Chooser<'a>>,
    epoch: Epoch,
    losses: Vec<f64>,
    step: u64,
    /// Steps there will be, at most.
    steps: u64,
    progress: &'a dyn Fn(Progress),
}

/// What a training leaves beside the weights.
pub(in crate::train) struct Learnt {
    /// Mean loss of each epoch that took a step.
    pub(in crate::train) losses: Vec<f64>,
    pub(in crate::train) steps: u64,
    pub(in crate::train) downsampled: Option<Downsampled>,
}

impl<'a> Course<'a> {
    /// Before the first of `steps`.
    pub(in crate::train) fn new(
        worker: &'a Worker,
        (network, job): (&'a mut dyn Network, &'a TrainJob),
        steps: u64,
        progress: &'a dyn Fn(Progress),
    ) -> Self {
        let chooser = job.downsampling.as_ref().map(|stage| {
            let how = (stage, job.irreducible.as_ref());
            Chooser::new(worker, how, job.rows.len(), job.seed)
        });
        Self {
            worker,
            network,
            device: worker.device.clone().autodiff(),
            optimizer: worker.training.optimizer.init(),
            average: worker.training.average.map(|part| Average::over(part, steps)),
            chooser,
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
        mut plan: Plan<'_>,
        candidates: Vec<TrainingRow>,
    ) -> Result<Learnt, TrainError> {
        let source = &*self.worker.rows;
        for epochs in plan.blocks() {
            let rows = self.rows(&candidates, epochs)?;
            let plan = &mut plan;
            prefetch(
                move |ahead| plan.load(epochs, rows, (source, ahead)),
                |batches| self.learn(batches),
            )?;
        }
        if let Some(average) = self.average {
            average.apply(self.network);
        }
        let downsampled = self.chooser.map(Chooser::finish);
        Ok(Learnt { losses: self.losses, steps: self.step, downsampled })
    }

    /// What batches are made of in the next `epochs`.
    fn rows(
        &mut self,
        candidates: &[TrainingRow],
        epochs: usize,
    ) -> Result<Vec<TrainingRow>, TrainError> {
        match &mut self.chooser {
            Some(chooser) if !chooser.by_batch() => {
                chooser.rows(&*self.network, candidates, epochs)
            }
            _ => Ok(candidates.to_vec()),
        }
    }

    fn learn(
        &mut self,
        batches: &mut dyn Iterator<Item = Result<Batch, TrainError>>,
    ) -> Result<(), TrainError> {
        for batch in batches {
            let batch = batch?;
            let ends_epoch = batch.ends_epoch;
            match &mut self.chooser {
                Some(chooser) if chooser.by_batch() => {
                    chooser.sift(&*self.network, &batch)?;
                    self.worker.pause(Rank::Training)?;
                    while let Some(batch) =
                        self.chooser.as_mut().and_then(|chooser| chooser.ready(ends_epoch))
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
