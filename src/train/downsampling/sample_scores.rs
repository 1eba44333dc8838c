//! Scores of samples by a network, for downsampling policies.

use driftmill_operators::Matrix;
use driftmill_operators::downsampling::{RequiredScores, SampleScores};

use crate::train::TrainingRow;
use crate::train::inference::forward::log_sum_exp;
use crate::train::runtime::output_cache::Head;

/// Which way through the network yields what is needed; none if nothing of it is.
pub(in crate::train) fn head(needs: RequiredScores) -> Option<Head> {
    let scores = needs.loss || needs.probabilities || needs.gradients;
    match (needs.embeddings, scores) {
        (true, true) => Some(Head::Both),
        (true, false) => Some(Head::Features),
        (false, true) => Some(Head::Logits),
        (false, false) => None,
    }
}

/// What is needed of `rows`, whose outputs through [`head`] are `outputs`, of a model with so many
/// `classes`.
///
/// ```text
/// p = softmax(z),      loss = −ln p[y],      gradient by the scores z: p − onehot(y)
/// ```
pub(in crate::train) fn given(
    needs: RequiredScores,
    rows: &[TrainingRow],
    outputs: &Matrix,
    classes: usize,
) -> SampleScores {
    let mut given = SampleScores::of(rows.len());
    let width = outputs.cols();
    // the scores are the last columns, where there are any.
    let embedded = match head(needs) {
        Some(Head::Features) => width,
        Some(Head::Both) => width - classes,
        Some(Head::Logits) | None => 0,
    };
    if needs.labels {
        given.labels = Some(rows.iter().map(|row| row.label).collect());
    }
    if needs.embeddings {
        let parts = (0..outputs.rows()).flat_map(|row| &outputs.row(row)[..embedded]);
        given.embeddings = Some(Matrix::new(embedded, parts.copied().collect()));
    }
    let scores = |row: usize| &outputs.row(row)[embedded..];
    if needs.loss {
        let loss = |(row, of): (usize, &TrainingRow)| {
            let scores = scores(row);
            // rounding may bring it below 0.
            (log_sum_exp(scores) - f64::from(scores[of.label as usize])).max(0.0) as f32
        };
        given.loss = Some(rows.iter().enumerate().map(loss).collect());
    }
    if needs.probabilities || needs.gradients {
        let mut values = Vec::with_capacity(rows.len() * classes);
        for row in 0..rows.len() {
            let norm = log_sum_exp(scores(row));
            values.extend(scores(row).iter().map(|score| (f64::from(*score) - norm).exp() as f32));
        }
        let probabilities = Matrix::new(classes, values);
        if needs.gradients {
            let mut values = probabilities.values().to_vec();
            for (gradient, row) in values.chunks_exact_mut(classes).zip(rows) {
                gradient[row.label as usize] -= 1.0;
            }
            given.gradients = Some(Matrix::new(classes, values));
        }
        given.probabilities = needs.probabilities.then_some(probabilities);
    }
    given
}
