//! The schedule of samples for the steps of a training.

use super::batch::Batch;
use super::prefetch::Prefetched;
use crate::model::Random;
use crate::train::downsampling::config::{Mode, Stage};
use crate::train::{FeatureStore, TrainError, Training, TrainingRow};

/// The repetitions and the order of samples.
pub(in crate::train) struct BatchSchedule<'a> {
    epochs: usize,
    batch_size: usize,
    shuffle: bool,
    stage: Option<&'a Stage>,
    order: Random,
    /// The mean weight of all samples.
    mean: f64,
}

impl<'a> BatchSchedule<'a> {
    pub(in crate::train) fn new(
        training: &Training,
        scratch: bool,
        stage: Option<&'a Stage>,
        rows: &[TrainingRow],
        seeds: [u64; 2],
    ) -> Self {
        let sum: f64 = rows.iter().map(|row| f64::from(row.weight)).sum();
        Self {
            epochs: training.epochs_of(scratch).get(),
            batch_size: training.batch_size.get(),
            shuffle: training.shuffle,
            stage,
            order: Random::new("order", seeds),
            mean: sum / rows.len() as f64,
        }
    }

    /// Number of steps for `samples` samples; fewer if a policy keeps fewer than it may.
    pub(in crate::train) fn steps(&self, samples: usize) -> u64 {
        let kept = self.stage.map_or(samples, |stage| stage.size(samples));
        (kept.div_ceil(self.batch_size) * self.epochs) as u64
    }

    /// Numbers of consecutive epochs with the same samples.
    pub(in crate::train) fn blocks(&self) -> Vec<usize> {
        let whole = self.stage.filter(|stage| stage.mode == Mode::SampleThenBatch);
        let period = whole.map_or(0, |stage| usize::try_from(stage.period).unwrap_or(usize::MAX));
        let length = if period == 0 { self.epochs } else { period };
        let starts = (0..self.epochs).step_by(length);
        starts.map(|start| length.min(self.epochs - start)).collect()
    }

    /// Loads all batches of `epochs` epochs, until the receiver stops.
    pub(in crate::train) fn load(
        &mut self,
        epochs: usize,
        mut rows: Vec<TrainingRow>,
        source: &dyn FeatureStore,
        ahead: &mut Prefetched<Result<Batch, TrainError>>,
    ) {
        let last = rows.len().div_ceil(self.batch_size).saturating_sub(1);
        for _ in 0..epochs {
            if self.shuffle {
                self.order.shuffle(&mut rows);
            }
            for (index, rows) in rows.chunks(self.batch_size).enumerate() {
                let values = rows.len() * source.schema().width();
                if !ahead.push(Batch::load(source, rows, self.mean, index == last), values) {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(stage: Option<&Stage>, epochs: usize) -> BatchSchedule<'_> {
        let text = format!("epochs = {epochs}\nbatch_size = 64");
        BatchSchedule::new(&toml::from_str(&text).unwrap(), true, stage, &[], [0, 0])
    }

    fn stage(text: &str) -> Stage {
        let table: crate::train::Downsampling = toml::from_str(text).unwrap();
        table.stage(0).unwrap()
    }

    #[test]
    fn blocks_cover_all_epochs() {
        for (period, blocks) in [("0", vec![7]), ("1", vec![1; 7]), ("3", vec![3, 3, 1])] {
            let stage = stage(&format!("ratio = 0.5\nperiod = {period}\n[policy.uniform]"));
            assert_eq!(schedule(Some(&stage), 7).blocks(), blocks);
        }
        assert_eq!(schedule(None, 7).blocks(), [7]);
    }

    #[test]
    fn steps_follow_from_the_kept_samples() {
        // 16 of 64 samples are kept, so 4 batches make a step, and the rest makes another.
        let batches = stage("ratio = 0.25\nmode = \"batch_then_sample\"\n[policy.uniform]");
        assert_eq!(schedule(Some(&batches), 1).steps(64 * 8), 2);
        assert_eq!(schedule(Some(&batches), 3).steps(64 * 8 + 5), 9);
        let per_mille = stage("ratio = 0.125\nmode = \"batch_then_sample\"\n[policy.uniform]");
        assert_eq!(per_mille.size(64), 8);
        let whole = stage("ratio = 0.1\n[policy.uniform]");
        assert_eq!(schedule(Some(&whole), 2).steps(1000), 4);
        assert_eq!(schedule(None, 2).steps(1000), 32);
    }
}
