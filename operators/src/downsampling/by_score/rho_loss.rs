//! Selection by reducible holdout loss (RHO-LOSS).

use serde::{Deserialize, Serialize};

use crate::downsampling::math::ranking::highest;
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, RequiredScores, SampleScores,
};

/// The samples with the highest reducible holdout loss: not trained yet, but learnable.
///
/// ```text
/// reducible lossᵢ = lossᵢ − irreducible lossᵢ
/// ```
///
/// The irreducible loss of a sample is its loss under the irreducible-loss model, which was trained on
/// other samples only. For wrong or random labels it is as high as the loss. If the loss itself is low,
/// there is little left to learn. The difference may be negative. Weights are 1. Ties go to the first
/// sample.
///
/// The policy is designed for a choice from each random batch. In a whole set, the samples with the
/// highest differences often resemble each other, such as those of one class that is not trained yet.
///
/// Reference: S. Mindermann et al., *Prioritized Training on Points that are Learnable, Worth
/// Learning, …*, ICML 2022 (arXiv 2206.07137).
///
/// ```
/// use driftmill_operators::downsampling::*;
/// let scores = SampleScores {
///     // the sample with the highest loss has a wrong label.
///     loss: Some(vec![3.0, 0.1, 1.0, 0.7]),
///     irreducible: Some(vec![2.9, 0.1, 0.2, 0.3]),
///     ..SampleScores::of(4)
/// };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let chosen = choose(&RhoLoss { balance: Balance::None }, &scores, budget).unwrap();
/// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [2, 3]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RhoLoss {
    /// The division of the budget among classes (default `none`).
    pub balance: Balance,
}

impl DownsamplingConfig for RhoLoss {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores { loss: true, irreducible: true, ..self.balance.required_scores() }
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(None, scores, budget, |scores, budget| {
            let irreducible = scores.irreducible.iter().flatten();
            let losses = scores.loss.iter().flatten().zip(irreducible);
            let reducible: Vec<f32> = losses.map(|(loss, least)| loss - least).collect();
            highest(&reducible, budget.size)
        })
    }
}
