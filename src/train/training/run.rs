//! One training from start to end.

use std::time::Instant;

use super::batch_schedule::BatchSchedule;
use super::training_loop::TrainingLoop;
use crate::train::downsampling::exemplars;
use crate::train::runtime::worker::Worker;
use crate::train::{Progress, Start, TrainError, TrainJob, Trained, TrainingRow, Weights};

impl Worker {
    /// Runs `job`. After every step, inference for decisions goes first.
    pub(in crate::train) fn train(
        &self,
        job: &TrainJob,
        progress: &dyn Fn(Progress),
    ) -> Result<Trained, TrainError> {
        let started = Instant::now();
        let mut rows = self.usable(&job.rows)?;
        let mut recalling = None;
        if let Some(memory) = &job.memory {
            let recalled = self.recall(rows, memory, job)?;
            (rows, recalling) = (recalled.rows, Some(recalled.seconds));
        }
        let start = job.start.as_ref().filter(|_| self.training.start == Start::Finetune);
        let mut network = match start {
            Some(weights) => self.load(weights)?,
            None => self.new_network(job.seed),
        };
        let scratch = job.first || start.is_none();
        let seeds = [self.training.seed, job.seed];
        let schedule =
            BatchSchedule::new(&self.training, scratch, job.downsampling.as_ref(), &rows, seeds);
        network.begin_training();
        let herded = recalling.map(|_| {
            exemplars::trained_samples(
                &rows,
                self.training.epochs_of(scratch).get(),
                job.rows.len(),
            )
        });
        let training_loop =
            TrainingLoop::new(self, &mut *network, job, schedule.steps(rows.len()), progress);
        let trained_samples = training_loop.run(schedule, rows)?;
        network.end_training();
        if !network.parameters().iter().all(|value| value.is_finite()) {
            return Err(TrainError::Diverged { epoch: trained_samples.losses.len() });
        }
        let mut downsampled = trained_samples.downsampled.or(herded);
        if let (Some(downsampled), Some(seconds)) = (&mut downsampled, recalling) {
            downsampled.seconds += seconds;
            if downsampled.policy != exemplars::HERDING {
                downsampled.policy = format!("{}, {}", exemplars::HERDING, downsampled.policy);
            }
        }
        Ok(Trained {
            weights: Weights::new(network.to_bytes()?),
            losses: trained_samples.losses,
            seconds: started.elapsed().as_secs_f64(),
            steps: trained_samples.steps,
            downsampled,
        })
    }

    /// Checks all samples, and returns those that count.
    fn usable(&self, rows: &[TrainingRow]) -> Result<Vec<TrainingRow>, TrainError> {
        for row in rows {
            self.check_label(row.id, row.label)?;
            if !(row.weight.is_finite() && row.weight >= 0.0) {
                return Err(TrainError::Weight { id: row.id, weight: row.weight });
            }
        }
        // samples of weight 0 are left out instead of multiplied, because they would still fill batches
        let usable: Vec<_> = rows.iter().copied().filter(|row| row.weight > 0.0).collect();
        if usable.is_empty() {
            return Err(TrainError::Empty { rows: rows.len() });
        }
        Ok(usable)
    }
}
