//! Selects the samples of one training by a downsampling policy.

use std::collections::HashMap;
use std::time::Instant;

use driftmill_operators::downsampling::{
    Budget, Chosen, Downsampled, Kept, SampleScoresError, choose,
};
use driftmill_operators::{Id, Matrix};

use super::config::{Mode, Stage};
use super::sample_scores::{head, scores_of};
use crate::model::{Network, Random};
use crate::train::inference::forward::Pass;
use crate::train::runtime::queue::Rank;
use crate::train::runtime::worker::Worker;
use crate::train::training::batch::Batch;
use crate::train::{Irreducible, TrainError, TrainingRow};

/// Selects the samples of one training, and records them.
pub(in crate::train) struct Downsampler<'a> {
    worker: &'a Worker,
    stage: &'a Stage,
    irreducible: Option<&'a Irreducible>,
    candidates: usize,
    seed: u64,
    /// Number of choices so far.
    round: u64,
    /// The number of times a sample was trained on, and the sum of its weights.
    kept: HashMap<Id, (u64, f64)>,
    seconds: f64,
    /// Samples chosen from batches since the last step.
    waiting: Batch,
    /// In this epoch: the number of candidates so far, and the number of them to choose.
    seen: (usize, usize),
}

impl<'a> Downsampler<'a> {
    pub(in crate::train) fn new(
        worker: &'a Worker,
        stage: &'a Stage,
        irreducible: Option<&'a Irreducible>,
        candidates: usize,
        seed: u64,
    ) -> Self {
        Self {
            worker,
            stage,
            irreducible,
            candidates,
            seed: Random::new("downsampling", [worker.training.seed, seed]).seed(),
            round: 0,
            kept: HashMap::new(),
            seconds: 0.0,
            waiting: Batch::default(),
            seen: (0, 0),
        }
    }

    /// Whether samples are chosen from each batch.
    pub(in crate::train) fn by_batch(&self) -> bool {
        self.stage.mode == Mode::BatchThenSample
    }

    /// The `rows` for the next `epochs`.
    pub(in crate::train) fn rows(
        &mut self,
        network: &dyn Network,
        rows: &[TrainingRow],
        epochs: usize,
    ) -> Result<Vec<TrainingRow>, TrainError> {
        let started = Instant::now();
        let outputs = match head(self.stage.policy.required_scores()) {
            Some(head) => {
                let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
                self.worker.forward(Pass { network, head, rank: Rank::Training }, &ids)?
            }
            None => Matrix::default(),
        };
        let chosen = self.choose(rows, self.stage.size(rows.len()), &outputs)?;
        let chosen: Vec<_> =
            chosen.into_iter().map(|chosen| rows[chosen.index].times(chosen.weight)).collect();
        self.keep(&chosen, epochs as u64);
        self.seconds += started.elapsed().as_secs_f64();
        Ok(chosen)
    }

    /// Chooses samples from a batch of candidates, for later steps.
    pub(in crate::train) fn sift(
        &mut self,
        network: &dyn Network,
        batch: &Batch,
    ) -> Result<(), TrainError> {
        let started = Instant::now();
        // the rounding remainder of a batch is added to a later one.
        let (seen, before) = (self.seen.0 + batch.rows.len(), self.seen.1);
        let wanted = self.stage.size(seen);
        self.seen = if batch.ends_epoch { (0, 0) } else { (seen, wanted) };
        if wanted == before {
            return Ok(());
        }
        let outputs = match head(self.stage.policy.required_scores()) {
            Some(head) => {
                let pass = Pass { network, head, rank: Rank::Training };
                // with the shape of the batch: its samples are a function of the training alone.
                self.worker.forward_batch(pass, batch.input.clone(), [batch.rows.len(); 2])
            }
            None => Matrix::default(),
        };
        let chosen = self.choose(&batch.rows, wanted - before, &outputs)?;
        self.waiting.add(batch, &chosen);
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    /// The samples of the next step. At the end of an epoch, these are all remaining samples.
    pub(in crate::train) fn ready(&mut self, ends_epoch: bool) -> Option<Batch> {
        let (full, waiting) = (self.worker.training.batch_size.get(), self.waiting.rows.len());
        if waiting < full && !(ends_epoch && waiting > 0) {
            return None;
        }
        let batch = self.waiting.take(full);
        self.keep(&batch.rows, 1);
        Some(batch)
    }

    fn choose(
        &mut self,
        rows: &[TrainingRow],
        size: usize,
        outputs: &Matrix,
    ) -> Result<Vec<Chosen>, TrainError> {
        let Stage { policy, .. } = self.stage;
        let classes = self.worker.model.classes() as usize;
        let mut given = scores_of(policy.required_scores(), rows, outputs, classes);
        given.irreducible = self.irreducible.map(|known| known.of(rows));
        let budget = Budget { size, seed: self.seed, round: self.round };
        self.round += 1;
        let failed = |error: SampleScoresError| TrainError::Choosing {
            policy: policy.key(),
            problem: error.to_string(),
        };
        let mut chosen = choose(&**policy, &given, budget).map_err(failed)?;
        if !policy.makes_up() {
            let sum: f64 = chosen.iter().map(|chosen| f64::from(chosen.weight)).sum();
            let mean = sum / chosen.len() as f64;
            chosen.iter_mut().for_each(|c| c.weight = (f64::from(c.weight) / mean) as f32);
        }
        Ok(chosen)
    }

    fn keep(&mut self, rows: &[TrainingRow], times: u64) {
        for row in rows {
            let (count, weight) = self.kept.entry(row.id).or_default();
            *count += times;
            *weight += times as f64 * f64::from(row.weight);
        }
    }

    /// The samples that were trained on.
    pub(in crate::train) fn finish(self) -> Downsampled {
        let kept = self.kept.into_iter().map(|(id, (times, weight))| Kept {
            id,
            times,
            weight: (weight / times as f64) as f32,
        });
        let mut kept: Vec<Kept> = kept.collect();
        kept.sort_unstable_by_key(|kept| kept.id);
        Downsampled {
            policy: self.stage.policy.key().to_owned(),
            candidates: self.candidates as u64,
            choices: self.round,
            kept,
            seconds: self.seconds,
        }
    }
}
