//! Herding: samples whose mean approaches the mean of all.

use std::collections::BTreeMap;

use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

use crate::Matrix;
use crate::downsampling::math::outer::dot;
use crate::downsampling::math::space::norm;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, RequiredScores, SampleScores,
};

/// Samples whose mean is near the mean of all: each step adds the sample that brings it nearest.
///
/// ```text
/// x = e / ‖e‖,      μ = mean of x
/// next = argmin over i of  ‖ μ − (xᵢ + Σ over chosen s of xₛ) / (chosen + 1) ‖
/// ```
///
/// Embeddings are scaled to length 1, as in iCaRL; zero vectors stay 0. No sample is chosen twice. Ties
/// go to the first sample. A smaller choice among the same samples is a prefix of a larger one, so that
/// a choice can be shortened. Weights are 1. Time is O(n·size·d).
///
/// Reference: M. Welling, *Herding dynamical weights to learn*, ICML 2009; for exemplars of classes,
/// S.-A. Rebuffi, A. Kolesnikov, G. Sperl, C. H. Lampert, *iCaRL: Incremental Classifier and
/// Representation Learning*, CVPR 2017.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let embeddings = Some(Matrix::new(2, vec![1.0, 0.0, 0.0, 1.0, 3.0, 4.0]));
/// let policy = Herding { balance: Balance::None };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let chosen = choose(&policy, &SampleScores { embeddings, ..SampleScores::of(3) }, budget).unwrap();
/// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [2, 0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Herding {
    /// The division of the budget among classes (default `fair_share`).
    pub balance: Balance,
}

impl Default for Herding {
    fn default() -> Self {
        Self { balance: Balance::FairShare }
    }
}

impl DownsamplingConfig for Herding {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores { embeddings: true, ..self.balance.required_scores() }
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(None, scores, budget, |scores, budget| {
            let Some(points) = &scores.embeddings else { return Vec::new() };
            let rows: Vec<usize> = (0..scores.samples).collect();
            herd(points, &rows, budget.size).into_iter().map(Chosen::plain).collect()
        })
    }
}

/// Gains that differ by less than this are ties: rounding errors of equal directions.
const ROUNDING: f64 = 1e-12;

/// The rows of at most `per_class` exemplars of each class, in ascending order.
///
/// They are the rows that [`Herding`] chooses among the samples of the class. A row with infinities or
/// NaN counts as a row of zeros. Rows after the last label belong to no class.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::exemplars};
/// let embeddings = Matrix::new(2, vec![1.0, 0.0, 5.0, 5.0, 0.0, 1.0, 3.0, 4.0]);
/// assert_eq!(exemplars(&embeddings, &[0, 7, 0, 0], 2), [0, 1, 3]);
/// ```
pub fn exemplars(embeddings: &Matrix, labels: &[u32], per_class: usize) -> Vec<usize> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, label) in labels.iter().take(embeddings.rows()).enumerate() {
        classes.entry(*label).or_default().push(row);
    }
    let each = classes.values().flat_map(|rows| herd(embeddings, rows, per_class));
    let mut chosen: Vec<usize> = each.collect();
    chosen.sort_unstable();
    chosen
}

/// At most `size` of `rows`, in the order in which they are chosen.
fn herd(points: &Matrix, rows: &[usize], size: usize) -> Vec<usize> {
    if size >= rows.len() {
        return rows.to_vec();
    }
    // the factor that scales a row to length 1; 0 for a row without a direction.
    let scale = |row: &usize| {
        let length = norm(points.row(*row));
        if length > 0.0 && length.is_finite() { 1.0 / length } else { 0.0 }
    };
    let mut left: Vec<(usize, f64)> = rows.iter().map(|row| (*row, scale(row))).collect();
    let mut mean = vec![0.0; points.cols()];
    for (row, scale) in &left {
        add(&mut mean, points.row(*row), scale / rows.len() as f64);
    }
    // the vector that the next sample should add for the mean to equal that of all.
    let mut missing = mean.clone();
    let mut chosen = Vec::with_capacity(size);
    while chosen.len() < size {
        let nearest = Nearest { points, left: &left, missing: &missing };
        let Some(at) = Arch::new().dispatch(nearest) else { break };
        let (row, scale) = left.remove(at);
        chosen.push(row);
        missing.iter_mut().zip(&mean).for_each(|(missing, mean)| *missing += mean);
        add(&mut missing, points.row(row), -scale);
    }
    chosen
}

/// The search for the remaining sample that brings the mean nearest.
struct Nearest<'a> {
    points: &'a Matrix,
    left: &'a [(usize, f64)],
    missing: &'a [f64],
}

impl WithSimd for Nearest<'_> {
    type Output = Option<usize>;

    // loops instead of closures, which would be compiled separately, without vector instructions.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<usize> {
        let (mut nearest, mut most) = (None, f64::NEG_INFINITY);
        for (at, (row, scale)) in self.left.iter().enumerate() {
            // the decrease of ‖m‖² by a point x: ‖m‖² − ‖m − x‖² = 2m·x − ‖x‖².
            let gain = match *scale {
                0.0 => 0.0,
                scale => 2.0 * scale * dot(self.missing, self.points.row(*row)) - 1.0,
            };
            if gain > most + ROUNDING {
                (nearest, most) = (Some(at), gain);
            }
        }
        nearest
    }
}

fn add(sum: &mut [f64], point: &[f32], by: f64) {
    if by != 0.0 {
        sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += by * f64::from(*value));
    }
}
