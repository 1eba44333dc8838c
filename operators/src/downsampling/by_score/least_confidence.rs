use serde::{Deserialize, Serialize};

use crate::downsampling::math::ranking::{highest_of_rows, two_highest};
use crate::downsampling::{
    Balance, Budget, Chosen, DownsamplingConfig, RequiredScores, SampleScores,
};

pub(in crate::downsampling) const EXAMPLE: &str = "";

/// Samples of whose class the model is least sure.
///
/// ```text
/// score = 1 − max p
/// ```
///
/// The highest scores are chosen, with weight 1; of equal ones the first. A single column is the
/// probability of one of two classes.
///
/// Reference: D. D. Lewis and W. A. Gale, *A Sequential Algorithm for Training Text Classifiers*,
/// SIGIR 1994.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let probabilities = Some(Matrix::new(3, vec![0.9, 0.1, 0.0, 0.4, 0.3, 0.3, 0.5, 0.49, 0.01]));
/// let budget = Budget { size: 1, seed: 0, round: 0 };
/// let chosen = choose(&LeastConfidence::default(), &SampleScores { probabilities, ..SampleScores::of(3) }, budget).unwrap();
/// assert_eq!(chosen, [Chosen { index: 1, weight: 1.0 }]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LeastConfidence {
    /// Whether each class is chosen from by itself (default `none`).
    #[serde(default)]
    pub balance: Balance,
}

impl DownsamplingConfig for LeastConfidence {
    fn required_scores(&self) -> RequiredScores {
        RequiredScores {
            probabilities: true,
            labels: self.balance.needs_labels(),
            ..RequiredScores::default()
        }
    }

    fn choose(&self, given: &SampleScores, budget: Budget) -> Vec<Chosen> {
        self.balance.choose(None, given, budget, |given, budget| {
            let probabilities = given.probabilities.as_ref();
            probabilities.map_or_else(Vec::new, |rows| {
                highest_of_rows(rows, budget.size, |row| 1.0 - two_highest(row)[0])
            })
        })
    }
}
