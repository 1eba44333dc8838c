//! The outputs of a model for the candidates of downsampling.

use std::fmt;

use crate::Matrix;

/// What a model says of the candidates: one row for each, in the same order everywhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleScores {
    /// How many candidates there are.
    pub samples: usize,
    /// Their labels.
    pub labels: Option<Vec<u32>>,
    /// The loss of each; not negative.
    pub loss: Option<Vec<f32>>,
    /// The irreducible loss of each: its loss under a model that was trained on other samples; not
    /// negative.
    pub irreducible: Option<Vec<f32>>,
    /// The probability of each class, or of the only one: between 0 and 1.
    pub probabilities: Option<Matrix>,
    /// The loss's gradient by the last layer's outputs: `p − onehot(y)` for cross-entropy. Numbers
    /// between −10⁶ and 10⁶, as in embeddings.
    pub gradients: Option<Matrix>,
    /// What goes into the last layer. For the gradient by its offsets too, with a column of ones.
    pub embeddings: Option<Matrix>,
}

/// What a policy must be given.
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

/// Why there is no choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleScoresError {
    /// A need is not given.
    Missing(&'static str),
    /// Something given does not have a row for each candidate: it has so many.
    Rows(&'static str, usize),
    /// Something given is infinite, not a number, or negative where it cannot be; in this row.
    Unusable(&'static str, usize),
}

impl fmt::Display for SampleScoresError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(out, "no {what} of the candidates"),
            Self::Rows(what, rows) => write!(out, "{what} of another number of samples: {rows}"),
            Self::Unusable(what, row) => {
                write!(out, "{what} of candidate {row} is no usable number")
            }
        }
    }
}

impl std::error::Error for SampleScoresError {}

impl SampleScores {
    /// Nothing is known of `samples` candidates.
    pub fn of(samples: usize) -> Self {
        Self { samples, ..Self::default() }
    }

    /// Checks that all that is needed is there and can be computed with.
    ///
    /// # Errors
    /// For the first thing that is missing, of another number of rows, or not finite.
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

    /// What is given of these rows, in this order.
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

/// A model has diverged before there are larger ones; squared distances of outer products of larger
/// ones might not be finite.
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
