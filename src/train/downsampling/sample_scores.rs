//! Scores of samples by a network, for downsampling policies.

use driftmill_operators::Matrix;
use driftmill_operators::downsampling::{RequiredScores, SampleScores};

use crate::train::TrainingRow;
use crate::train::inference::softmax::{cross_entropy, softmax};
use crate::train::runtime::output_cache::Head;

/// The outputs of the network that the required scores need; none if they need no outputs.
pub(in crate::train) fn head(needs: RequiredScores) -> Option<Head> {
    let scores = needs.loss || needs.probabilities || needs.gradients;
    match (needs.embeddings, scores) {
        (true, true) => Some(Head::Both),
        (true, false) => Some(Head::Features),
        (false, true) => Some(Head::Logits),
        (false, false) => None,
    }
}

/// The required scores of `rows`. `outputs` are the outputs of these rows through [`head`], for a model
/// with this number of `classes`.
///
/// ```text
/// p = softmax(z),      loss = −ln p[y],      gradient by the scores z: p − onehot(y)
/// ```
pub(in crate::train) fn scores_of(
    needs: RequiredScores,
    rows: &[TrainingRow],
    outputs: &Matrix,
    classes: usize,
) -> SampleScores {
    let mut scores = SampleScores::of(rows.len());
    let width = outputs.cols();
    // the scores are the last columns, if there are scores.
    let embedded = match head(needs) {
        Some(Head::Features) => width,
        Some(Head::Both) => width - classes,
        Some(Head::Logits) | None => 0,
    };
    if needs.labels {
        scores.labels = Some(rows.iter().map(|row| row.label).collect());
    }
    if needs.embeddings {
        let parts = (0..outputs.rows()).flat_map(|row| &outputs.row(row)[..embedded]);
        scores.embeddings = Some(Matrix::new(embedded, parts.copied().collect()));
    }
    let logits = |row: usize| &outputs.row(row)[embedded..];
    if needs.loss {
        let loss =
            |(row, of): (usize, &TrainingRow)| cross_entropy(logits(row), of.label).max(0.0) as f32;
        scores.loss = Some(rows.iter().enumerate().map(loss).collect());
    }
    if needs.probabilities || needs.gradients {
        let mut values = Vec::with_capacity(rows.len() * classes);
        (0..rows.len()).for_each(|row| values.extend(softmax(logits(row))));
        let probabilities = Matrix::new(classes, values);
        if needs.gradients {
            let mut values = probabilities.values().to_vec();
            for (gradient, row) in values.chunks_exact_mut(classes).zip(rows) {
                gradient[row.label as usize] -= 1.0;
            }
            scores.gradients = Some(Matrix::new(classes, values));
        }
        scores.probabilities = needs.probabilities.then_some(probabilities);
    }
    scores
}
