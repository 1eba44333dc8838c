//! What a downsampling policy is, and how it is run.

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::sample_scores::{RequiredScores, SampleScores, SampleScoresError};

/// What a `[downsampling.…]` table builds.
pub trait DownsamplingConfig: Send + Sync {
    /// What it must be given of the candidates.
    fn required_scores(&self) -> RequiredScores;

    /// Chooses at most `budget.size` of `given`, which is more than that and has all that it
    /// [needs](Self::required_scores); to be called through [`choose`], which sees to this.
    ///
    /// Samples come in the order in which they were chosen, and depend on the arguments alone.
    fn choose(&self, given: &SampleScores, budget: Budget) -> Vec<Chosen>;

    /// Whether weights make up for chances as they are, so that their mean is 1 on average. The host
    /// scales those of other policies to a mean of 1.
    fn makes_up(&self) -> bool {
        false
    }

    /// What is wrong with the table beyond what its types refuse, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// How much to choose, and which of the equally good choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Samples to choose.
    pub size: usize,
    /// Seed of the training.
    pub seed: u64,
    /// How many choices were made before among the candidates of the training, as in each epoch.
    pub round: u64,
}

/// A sample that is trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Its row among the candidates.
    pub index: usize,
    /// What its loss is multiplied by. Positive and finite.
    ///
    /// A step on a batch of n samples is by `Σ w·g / n`: a batch of heavy samples makes a longer step
    /// than one of light samples. Before, the host divides the weights of a choice by their mean, so
    /// that only quotients count, unless the policy [makes up](DownsamplingConfig::makes_up) for
    /// chances with weights as they are.
    pub weight: f32,
}

/// What `policy` chooses of `given`: all samples with weight 1 where there are not more than wanted.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let policy = Entropy { balance: Balance::None };
/// let given = SampleScores {
///     probabilities: Some(Matrix::new(2, vec![1.0, 0.0, 0.5, 0.5, 0.1, 0.9])),
///     ..SampleScores::of(3)
/// };
/// let chosen = choose(&policy, &given, Budget { size: 1, seed: 0, round: 0 }).unwrap();
/// assert_eq!(chosen, [Chosen { index: 1, weight: 1.0 }]);
/// ```
///
/// # Errors
/// When something that the policy needs is missing, has another number of rows, or is not finite.
pub fn choose(
    policy: &dyn DownsamplingConfig,
    given: &SampleScores,
    budget: Budget,
) -> Result<Vec<Chosen>, SampleScoresError> {
    given.has(policy.required_scores())?;
    if given.samples <= budget.size {
        return Ok((0..given.samples).map(Chosen::plain).collect());
    }
    if budget.size == 0 {
        return Ok(Vec::new());
    }
    Ok(policy.choose(given, budget))
}

impl Chosen {
    /// With weight 1.
    pub(super) fn plain(index: usize) -> Self {
        Self { index, weight: 1.0 }
    }
}

impl Budget {
    /// Significance that is the same for equal budgets.
    pub(super) fn random(self) -> Pcg64 {
        Pcg64::seed_from_u64(self.seed ^ self.round.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}
