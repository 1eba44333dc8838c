//! Inference and scoring in batches of one shape.

use burn::tensor::{Tensor, TensorData};
use driftmill_operators::{Id, Matrix};

use crate::model::Network;
use crate::train::inference::softmax::{cross_entropy, softmax};
use crate::train::runtime::output_cache::Head;
use crate::train::runtime::queue::Rank;
use crate::train::runtime::worker::Worker;
use crate::train::training::prefetch::{gather, prefetch};
use crate::train::{InferJob, Output, Score, ScoreJob, TrainError, Weights};

/// Number of rows of every batch. The last batch is padded with zeros.
///
/// All batches have one shape, because kernels depend on the shape: the product of a single row differs in
/// its last bits from that of the same row in a batch. Results must not depend on the number of requested
/// samples.
const BATCH: usize = 128;

/// A forward pass through a network, for a job of some rank.
#[derive(Clone, Copy)]
pub(in crate::train) struct Pass<'a> {
    pub(in crate::train) network: &'a dyn Network,
    pub(in crate::train) head: Head,
    pub(in crate::train) rank: Rank,
}

impl Worker {
    /// Computes embeddings or probabilities.
    pub(in crate::train) fn infer(&self, job: &InferJob, rank: Rank) -> Result<Matrix, TrainError> {
        match job.output {
            Output::Embeddings => self.outputs(Head::Features, &job.weights, &job.ids, rank),
            Output::Probabilities => {
                Ok(probabilities(&self.outputs(Head::Logits, &job.weights, &job.ids, rank)?))
            }
        }
    }

    /// Computes loss and prediction of each sample.
    pub(in crate::train) fn score(&self, job: &ScoreJob) -> Result<Vec<Score>, TrainError> {
        if job.ids.len() != job.labels.len() {
            return Err(TrainError::Labels { ids: job.ids.len(), labels: job.labels.len() });
        }
        for (id, label) in job.ids.iter().zip(&job.labels) {
            self.check_label(*id, *label)?;
        }
        let scores = self.outputs(Head::Logits, &job.weights, &job.ids, Rank::Background)?;
        let rows = job.labels.iter().enumerate();
        Ok(rows.map(|(row, label)| score(scores.row(row), *label)).collect())
    }

    /// The outputs of each sample. Only samples without cached outputs go through the network.
    fn outputs(
        &self,
        head: Head,
        weights: &Weights,
        ids: &[Id],
        rank: Rank,
    ) -> Result<Matrix, TrainError> {
        let found = self.answers.borrow_mut().find(head, weights.sha256(), ids);
        let fresh = found.unknown(ids);
        if fresh.is_empty() {
            return Ok(found.with(Matrix::default()));
        }
        let network = self.network(weights)?;
        // other jobs may run meanwhile, so use the cached values that were already found.
        let rows = self.forward(Pass { network: &*network, head, rank }, &fresh)?;
        // the evaluation comes after all policies and needs a sample only once.
        if rank == Rank::Decision {
            self.answers.borrow_mut().remember(head, weights.sha256(), &fresh, &rows);
        }
        Ok(found.with(rows))
    }

    /// Checks that `label` is a class of the model.
    pub(in crate::train) fn check_label(&self, id: Id, label: u32) -> Result<(), TrainError> {
        let classes = self.model.classes();
        if label < classes {
            return Ok(());
        }
        Err(TrainError::Label { id, label, last: classes - 1 })
    }

    /// Computes a row of outputs for each sample.
    pub(in crate::train) fn forward(
        &self,
        pass: Pass<'_>,
        ids: &[Id],
    ) -> Result<Matrix, TrainError> {
        // for a single batch, a thread costs more than it saves
        if ids.len() <= BATCH {
            let input = gather(&*self.features, ids)?;
            return Ok(self.forward_batch(pass, input, [ids.len(), BATCH]));
        }
        let features = &*self.features;
        prefetch(
            |ahead| {
                for ids in ids.chunks(BATCH) {
                    let batch = gather(features, ids).map(|input| (input, ids.len()));
                    if !ahead.push(batch, ids.len() * features.schema().width()) {
                        return;
                    }
                }
            },
            |batches| self.forward_all(pass, batches),
        )
    }

    fn forward_all(
        &self,
        pass: Pass<'_>,
        batches: &mut dyn Iterator<Item = Result<(Vec<f32>, usize), TrainError>>,
    ) -> Result<Matrix, TrainError> {
        let (mut cols, mut values) = (0, Vec::new());
        for batch in batches {
            let (input, rows) = batch?;
            let output = self.forward_batch(pass, input, [rows, BATCH]);
            cols = output.cols();
            values.extend_from_slice(output.values());
            self.pause(pass.rank)?;
        }
        Ok(Matrix::new(cols, values))
    }

    /// Computes a row of outputs for each of the rows, padded with zeros to the shape of the batch.
    pub(in crate::train) fn forward_batch(
        &self,
        pass: Pass<'_>,
        mut input: Vec<f32>,
        [rows, padded]: [usize; 2],
    ) -> Matrix {
        if rows == 0 {
            return Matrix::default();
        }
        let width = self.features.schema().width();
        input.resize(padded * width, 0.0);
        let input = Tensor::from_data(TensorData::new(input, [padded, width]), &self.device);
        let output = match pass.head {
            Head::Features => pass.network.features(input),
            Head::Logits => pass.network.logits(input),
            Head::Both => Tensor::cat(pass.network.both(input).into(), 1),
        };
        let cols = output.dims()[1];
        let mut values: Vec<f32> = output.into_data().try_into_vec().expect("outputs are f32");
        values.truncate(rows * cols);
        Matrix::new(cols, values)
    }
}

/// The probabilities of each row of scores.
fn probabilities(scores: &Matrix) -> Matrix {
    let values = (0..scores.rows()).flat_map(|row| softmax(scores.row(row)));
    Matrix::new(scores.cols(), values.collect())
}

fn score(scores: &[f32], label: u32) -> Score {
    let loss = cross_entropy(scores, label) as f32;
    let mut predicted = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[predicted] {
            predicted = class;
        }
    }
    Score { loss, predicted: predicted as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_scores_do_not_overflow() {
        let scores = [1000.0, 1000.0];
        assert_eq!(score(&scores, 1), Score { loss: std::f32::consts::LN_2, predicted: 0 });
        assert_eq!(probabilities(&Matrix::new(2, scores.to_vec())).values(), [0.5, 0.5]);
    }
}
