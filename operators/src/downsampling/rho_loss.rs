use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ranking::highest;
use super::{Balance, Budget, Chosen, DownsamplingConfig, Given, Needs};

pub(super) const EXAMPLE: &str = "";

/// Samples that the model has not learnt although they can be learnt: those of the highest reducible
/// holdout loss.
///
/// ```text
/// reducible lossᵢ = lossᵢ − irreducible lossᵢ
/// ```
///
/// The irreducible loss of a sample is what it costs under a model that was trained on other samples
/// alone. It is as high as the loss for labels that are wrong or left to chance, which nothing teaches;
/// and where the loss is low, what is left to learn is little. The difference may be negative. Weights
/// are 1; of differences as high the first is chosen.
///
/// Is made for a choice out of each batch, where chance has seen to variety. Out of a whole set the highest
/// differences are those of samples that resemble each other, as of the one class that is not learnt yet.
///
/// Reference: S. Mindermann et al., *Prioritized Training on Points that are Learnable, Worth Learning,
/// and Not Yet Learnt*, ICML 2022.
///
/// ```
/// use driftmill_operators::downsampling::*;
/// let given = Given {
///     // the highest loss is that of a wrong label.
///     loss: Some(vec![3.0, 0.1, 1.0, 0.7]),
///     irreducible: Some(vec![2.9, 0.1, 0.2, 0.3]),
///     ..Given::of(4)
/// };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let chosen = choose(&RhoLoss { balance: Balance::None }, &given, budget).unwrap();
/// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [2, 3]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RhoLoss {
    /// Whether each class is chosen from by itself (default `none`).
    #[serde(default)]
    pub balance: Balance,
}

impl DownsamplingConfig for RhoLoss {
    fn needs(&self) -> Needs {
        let labels = self.balance.needs_labels();
        Needs { loss: true, irreducible: true, labels, ..Needs::default() }
    }

    fn choose(&self, given: &Given, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(None, given, budget, |given, budget| {
            let irreducible = given.irreducible.iter().flatten();
            let losses = given.loss.iter().flatten().zip(irreducible);
            let reducible: Vec<f32> = losses.map(|(loss, least)| loss - least).collect();
            highest(&reducible, budget.size)
        })
    }
}
