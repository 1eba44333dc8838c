//! The outputs of a model for the candidates of downsampling.

use std::fmt;

use crate::Matrix;

/// The outputs of a model for the candidates: one row for each candidate, in the same order in all fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleScores {
    /// Number of candidates.
    pub samples: usize,
    /// The labels, one for each candidate.
    pub labels: Option<Vec<u32>>,
    /// The losses, not negative.
    pub loss: Option<Vec<f32>>,
    /// The irreducible losses, not negative: the losses under the irreducible-loss model, which was
    /// trained on other samples.
    pub irreducible: Option<Vec<f32>>,
    /// Class probabilities, `samples × classes`, or one column for one of two classes; between 0 and 1.
    pub probabilities: Option<Matrix>,
    /// Gradients of the loss by the outputs of the last layer, `samples × outputs`: `p − onehot(y)` for
    /// cross-entropy. Numbers are between −10⁶ and 10⁶, as in `embeddings`.
    pub gradients: Option<Matrix>,
    /// Inputs of the last layer, `samples × width`. A column of ones adds the gradient by the biases.
    pub embeddings: Option<Matrix>,
}

/// The scores that a policy requires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequiredScores {
    /// [`SampleScores::labels`].
    pub labels: bool,
    /// [`SampleScores::loss`].
    pub loss: bool,
    /// [`SampleScores::irreducible`].
    pub irreducible: bool,
    /// [`SampleScores::probabilities`].
    pub probabilities: bool,
    /// [`SampleScores::gradients`].
    pub gradients: bool,
    /// [`SampleScores::embeddings`].
    pub embeddings: bool,
}

/// The error for unusable scores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleScoresError {
    /// A required score is missing.
    Missing(&'static str),
    /// A score has this number of rows instead of one for each candidate.
    Rows(&'static str, usize),
    /// A score in this row is infinite, NaN or out of range.
    Unusable(&'static str, usize),
}

impl fmt::Display for SampleScoresError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(out, "no {what} of the candidates"),
            Self::Rows(what, rows) => write!(out, "{what}: wrong number of rows: {rows}"),
            Self::Unusable(what, row) => {
                write!(out, "{what} of candidate {row}: not a usable number")
            }
        }
    }
}

impl std::error::Error for SampleScoresError {}

impl SampleScores {
    /// Creates empty scores for `samples` candidates.
    pub fn of(samples: usize) -> Self {
        Self { samples, ..Self::default() }
    }

    /// Checks that all required scores are present and usable.
    ///
    /// # Errors
    /// [`SampleScoresError`] for the first score that is missing, has a wrong number of rows or a number
    /// that is not usable.
    pub fn has(&self, needs: RequiredScores) -> Result<(), SampleScoresError> {
        let Self { samples, labels, loss, irreducible, probabilities, gradients, embeddings } =
            self;
        if needs.labels {
            let labels = labels.as_ref().ok_or(SampleScoresError::Missing("labels"))?;
            rows("labels", labels.len(), *samples)?;
        }
        let losses =
            [(needs.loss, "loss", loss), (needs.irreducible, "irreducible loss", irreducible)];
        for (_, what, losses) in losses.into_iter().filter(|(needed, ..)| *needed) {
            let losses = losses.as_ref().ok_or(SampleScoresError::Missing(what))?;
            rows(what, losses.len(), *samples)?;
            usable(what, losses, 1, 0.0, f32::MAX)?;
        }
        let matrices = [
            (needs.probabilities, "probabilities", probabilities, [0.0, 1.0 + 1e-4]),
            (needs.gradients, "gradients", gradients, [-LARGEST, LARGEST]),
            (needs.embeddings, "embeddings", embeddings, [-LARGEST, LARGEST]),
        ];
        for (_, what, matrix, [least, most]) in matrices.into_iter().filter(|(needed, ..)| *needed)
        {
            let matrix = matrix.as_ref().ok_or(SampleScoresError::Missing(what))?;
            rows(what, matrix.rows(), *samples)?;
            usable(what, matrix.values(), matrix.cols(), least, most)?;
        }
        Ok(())
    }

    /// The scores of `rows`, in this order.
    pub(super) fn part(&self, rows: &[usize]) -> Self {
        let matrix = |matrix: &Option<Matrix>| matrix.as_ref().map(|matrix| gather(matrix, rows));
        let losses = |losses: &Option<Vec<f32>>| -> Option<Vec<f32>> {
            losses.as_ref().map(|all| rows.iter().map(|row| all[*row]).collect())
        };
        Self {
            samples: rows.len(),
            labels: self.labels.as_ref().map(|all| rows.iter().map(|row| all[*row]).collect()),
            loss: losses(&self.loss),
            irreducible: losses(&self.irreducible),
            probabilities: matrix(&self.probabilities),
            gradients: matrix(&self.gradients),
            embeddings: matrix(&self.embeddings),
        }
    }
}

/// The largest usable number. Larger numbers mean that the model has diverged, and squared distances
/// of their outer products might not be finite.
const LARGEST: f32 = 1e6;

fn gather(matrix: &Matrix, rows: &[usize]) -> Matrix {
    Matrix::new(matrix.cols(), rows.iter().flat_map(|row| matrix.row(*row)).copied().collect())
}

fn rows(what: &'static str, found: usize, wanted: usize) -> Result<(), SampleScoresError> {
    if found == wanted { Ok(()) } else { Err(SampleScoresError::Rows(what, found)) }
}

fn usable(
    what: &'static str,
    values: &[f32],
    cols: usize,
    least: f32,
    most: f32,
) -> Result<(), SampleScoresError> {
    match values.iter().position(|value| !(least..=most).contains(value)) {
        Some(at) => Err(SampleScoresError::Unusable(what, at / cols)),
        None => Ok(()),
    }
}
