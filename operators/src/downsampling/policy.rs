//! The interface of downsampling policies.

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::sample_scores::{RequiredScores, SampleScores, SampleScoresError};

/// The configuration of a downsampling policy: a `[downsampling.…]` table.
pub trait DownsamplingConfig: Send + Sync {
    /// The scores of the candidates that the policy requires.
    fn required_scores(&self) -> RequiredScores;

    /// Chooses at most `budget.size` of the candidates. Call it through [`choose`], which ensures that
    /// there are more candidates than that, with all [required scores](Self::required_scores).
    ///
    /// Samples are in the order of the choice, which depends on the arguments alone.
    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen>;

    /// Whether the weights compensate for the probabilities of the choice, so that their expected mean is
    /// 1. The host scales the weights of other policies to a mean of 1.
    fn makes_up(&self) -> bool {
        false
    }

    /// Problems of the table that its types cannot detect, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// The size of a choice and its randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Samples to choose.
    pub size: usize,
    /// Seed of the training.
    pub seed: u64,
    /// Number of earlier choices of the training, for example one per epoch.
    pub round: u64,
}

/// A sample that is trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Its row among the candidates.
    pub index: usize,
    /// The factor of its loss, positive and finite.
    ///
    /// The gradient of a batch of n samples is `Σ w·g / n`: a batch with large weights makes a longer
    /// step. The host first divides the weights of a choice by their mean, so that only their ratios
    /// count, unless the weights [compensate](DownsamplingConfig::makes_up) for probabilities.
    pub weight: f32,
}

/// Chooses samples by `policy`: all of them, with weight 1, if there are not more than `budget.size`.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let policy = Entropy { balance: Balance::None };
/// let scores = SampleScores {
///     probabilities: Some(Matrix::new(2, vec![1.0, 0.0, 0.5, 0.5, 0.1, 0.9])),
///     ..SampleScores::of(3)
/// };
/// let chosen = choose(&policy, &scores, Budget { size: 1, seed: 0, round: 0 }).unwrap();
/// assert_eq!(chosen, [Chosen { index: 1, weight: 1.0 }]);
/// ```
///
/// # Errors
/// [`SampleScoresError`] when a required score is missing, has a wrong number of rows, or is not a
/// usable number.
pub fn choose(
    policy: &dyn DownsamplingConfig,
    scores: &SampleScores,
    budget: Budget,
) -> Result<Vec<Chosen>, SampleScoresError> {
    scores.has(policy.required_scores())?;
    if scores.samples <= budget.size {
        return Ok((0..scores.samples).map(Chosen::plain).collect());
    }
    if budget.size == 0 {
        return Ok(Vec::new());
    }
    Ok(policy.choose(scores, budget))
}

impl Chosen {
    /// With weight 1.
    pub(super) fn plain(index: usize) -> Self {
        Self { index, weight: 1.0 }
    }
}

impl Budget {
    /// A random generator that is the same for equal budgets.
    pub(super) fn random(self) -> Pcg64 {
        Pcg64::seed_from_u64(self.seed ^ self.round.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}
