//! The highest of scores scores.

use crate::downsampling::{Chosen, SampleScores};

/// The `size` highest scores in descending order; ties go to the first. Scores must be finite.
pub(in crate::downsampling) fn highest(scores: &[f32], size: usize) -> Vec<Chosen> {
    // adding 0 makes −0 equal to 0.
    let score = |sample: &usize| scores[*sample] + 0.0;
    let before = |a: &usize, b: &usize| score(b).total_cmp(&score(a)).then(a.cmp(b));
    let mut order: Vec<usize> = (0..scores.len()).collect();
    if size < order.len() {
        order.select_nth_unstable_by(size, before);
        order.truncate(size);
    }
    order.sort_unstable_by(before);
    order.into_iter().map(Chosen::plain).collect()
}

/// Chooses the `size` candidates whose probabilities have the highest `score`.
pub(in crate::downsampling) fn most_uncertain(
    scores: &SampleScores,
    size: usize,
    score: fn(&[f32]) -> f32,
) -> Vec<Chosen> {
    let Some(rows) = &scores.probabilities else { return Vec::new() };
    let scores: Vec<f32> = (0..rows.rows()).map(|row| score(rows.row(row))).collect();
    highest(&scores, size)
}

/// Defines a policy of uncertainty sampling. Its score is the function `score` of the module, which
/// takes the probabilities of one candidate.
macro_rules! uncertainty_sampling {
    ($(#[$about:meta])* $Name:ident) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            /// The division of the budget among classes (default `none`).
            #[serde(default)]
            pub balance: $crate::downsampling::Balance,
        }

        impl $crate::downsampling::DownsamplingConfig for $Name {
            fn required_scores(&self) -> $crate::downsampling::RequiredScores {
                $crate::downsampling::RequiredScores {
                    probabilities: true,
                    ..self.balance.required_scores()
                }
            }

            fn choose(
                &self,
                scores: &$crate::downsampling::SampleScores,
                budget: $crate::downsampling::Budget,
            ) -> Vec<$crate::downsampling::Chosen> {
                self.balance.choose(None, scores, budget, |scores, budget| {
                    $crate::downsampling::math::ranking::most_uncertain(scores, budget.size, score)
                })
            }
        }
    };
}
pub(in crate::downsampling) use uncertainty_sampling;

/// The two highest probabilities of a row. A single column holds the probability of one of two classes.
pub(in crate::downsampling) fn two_highest(row: &[f32]) -> [f32; 2] {
    if let [only] = row {
        return [only.max(1.0 - only), only.min(1.0 - only)];
    }
    row.iter().fold([0.0, 0.0], |[first, second], value| {
        [first.max(*value), second.max(value.min(first))]
    })
}
