//! Importance sampling by loss.

use serde::{Deserialize, Serialize};

use crate::downsampling::{
    Budget, Chosen, DownsamplingConfig, Draws, RequiredScores, SampleScores,
};

/// Importance sampling by loss.
///
/// ```text
/// pᵢ = lossᵢ / Σ loss,      wᵢ = 1 / (n·pᵢ)
/// ```
///
/// Weights compensate for the probabilities. Let g be the gradient of a sample. The expectation of
/// `(1/k) Σ w·g` over the k chosen samples is the mean `(1/n) Σ g` over all n candidates. This requires
/// that samples without loss have no gradient and that `draws` is not `top`.
///
/// Without replacement, if a sample is chosen with certainty, the probabilities of the others keep their
/// ratios; see [`Draws`]. If fewer samples than wanted have a loss above 0, all of them are chosen, and
/// the others have equal probabilities.
///
/// Reference: A. Katharopoulos and F. Fleuret, *Biased Importance Sampling for Deep Neural Network
/// Training*, arXiv 2017; for choosing without replacement, J.-C. Deville and Y. Tillé, *Unequal
/// probability sampling without replacement through a splitting method*, Biometrika 85 (1998).
///
/// ```
/// use driftmill_operators::downsampling::*;
/// let scores = SampleScores { loss: Some(vec![0.0, 3.0, 0.0, 1.0]), ..SampleScores::of(4) };
/// let budget = Budget { size: 1, seed: 0, round: 0 };
/// let chosen = choose(&Loss { draws: Draws::Top }, &scores, budget).unwrap();
/// assert_eq!(chosen, [Chosen { index: 1, weight: 1.0 }]);
/// let chosen = choose(&Loss { draws: Draws::WithReplacement }, &scores, budget).unwrap()[0];
/// let weight = if chosen.index == 1 { 4.0 / (4.0 * 3.0) } else { 4.0 / (4.0 * 1.0) };
/// assert_eq!(chosen.weight, weight);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Loss {
    /// The method of drawing samples (default `without_replacement`).
    pub draws: Draws,
}

impl DownsamplingConfig for Loss {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores { loss: true, ..RequiredScores::default() }
    }

    fn makes_up(&self) -> bool {
        true
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.draws.choose(scores.loss.as_deref().unwrap_or_default(), budget)
    }
}
