//! Greedy k-center selection.

use std::num::NonZeroUsize;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::Matrix;
use crate::downsampling::math::greedy::{Greedy, Objective, maximise};
use crate::downsampling::math::space::squared_distance;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, RequiredScores, SampleScores,
};

/// Centres such that every embedding is near one of them: repeatedly the sample farthest from all
/// chosen ones.
///
/// ```text
/// next = argmax over i of  min over chosen s of  ‖eᵢ − eₛ‖
/// ```
///
/// The largest distance to a centre is at most twice the optimum. Distances are computed only for samples
/// that may be the farthest. Weights are 1. Ties go to the first sample; if all samples are copies of
/// centres, the choice is random by seed and round. Time is at most O(n·size·d).
///
/// Reference: T. F. Gonzalez, *Clustering to minimize the maximum intercluster distance*, Theoretical
/// Computer Science 38 (1985); O. Sener and S. Savarese, *Active Learning for Convolutional Neural
/// Networks: A Core-Set Approach*, ICLR 2018.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let embeddings = Some(Matrix::new(1, vec![0.0, 1.0, 2.0, 9.0]));
/// let policy = KCenter { first: First::Central, ..KCenter::default() };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let chosen = choose(&policy, &SampleScores { embeddings, ..SampleScores::of(4) }, budget).unwrap();
/// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [2, 3]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct KCenter {
    /// The first centre (default `random`).
    pub first: First,
    /// The division of the budget among classes (default `none`).
    pub balance: Balance,
    /// Number of consecutive candidates that are treated as one block (default: all of a class).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<NonZeroUsize>,
}

/// The first centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// A random sample.
    #[default]
    Random,
    /// The sample nearest to the mean.
    Central,
}

impl DownsamplingConfig for KCenter {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores { embeddings: true, ..self.balance.required_scores() }
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(self.block, scores, budget, |scores, budget| {
            let Some(points) = &scores.embeddings else { return Vec::new() };
            let first = match self.first {
                First::Random => budget.random().random_range(0..scores.samples),
                First::Central => central(points),
            };
            farthest_first(points, first, budget).into_iter().map(Chosen::plain).collect()
        })
    }
}

fn central(points: &Matrix) -> usize {
    let mut mean = vec![0.0; points.cols()];
    for row in 0..points.rows() {
        mean.iter_mut().zip(points.row(row)).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    let mean: Vec<f32> = mean.iter().map(|sum| (sum / points.rows() as f64) as f32).collect();
    let distances = (0..points.rows()).map(|row| squared_distance(points.row(row), &mean));
    distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(row, _)| row)
}

fn farthest_first(points: &Matrix, first: usize, budget: Budget) -> Vec<usize> {
    let nearest = vec![f32::INFINITY; points.rows()];
    let mut far = Far { points, nearest, known: vec![0; points.rows()], centres: Vec::new() };
    maximise(&mut far, Greedy::Lazy, vec![first], budget)
}

/// The distances of samples from the centres. They never grow, so that a sample that is not far enough
/// need not be compared with new centres.
struct Far<'a> {
    points: &'a Matrix,
    /// The squared distance to the nearest of the first `known` centres.
    nearest: Vec<f32>,
    known: Vec<usize>,
    centres: Vec<usize>,
}

impl Objective for Far<'_> {
    fn len(&self) -> usize {
        self.points.rows()
    }

    fn gain(&mut self, sample: usize) -> f64 {
        let own = self.points.row(sample);
        let distance = |centre: &usize| squared_distance(own, self.points.row(*centre));
        let new = self.centres[self.known[sample]..].iter().map(distance);
        self.nearest[sample] = new.fold(self.nearest[sample], f32::min);
        self.known[sample] = self.centres.len();
        f64::from(self.nearest[sample])
    }

    fn add(&mut self, sample: usize) {
        self.centres.push(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centres_agree_with_a_worked_example() {
        let points = Matrix::new(2, vec![0., 0., 0., 1., 5., 5., 5., 6., 10., 0.]);
        for (size, wanted) in [(2, vec![0, 4]), (3, vec![0, 4, 3]), (4, vec![0, 4, 3, 1])] {
            let budget = Budget { size, seed: 0, round: 0 };
            assert_eq!(farthest_first(&points, 0, budget), wanted);
        }
    }
}
