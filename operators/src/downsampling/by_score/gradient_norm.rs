//! Importance sampling by the norm of gradients.

use serde::{Deserialize, Serialize};

use crate::downsampling::math::space::norm;
use crate::downsampling::{
    Budget, Chosen, DownsamplingConfig, Draws, Gradient, On, RequiredScores, SampleScores,
};

/// Importance sampling by the norm of gradients.
///
/// ```text
/// pᵢ = ‖gᵢ‖ / Σ ‖g‖,      wᵢ = 1 / (n·pᵢ),      ‖g ⊗ e‖ = ‖g‖·‖e‖
/// ```
///
/// Among independent draws, these probabilities estimate the mean gradient with the least variance, as
/// far as the norm of the last layer's gradient approximates that of all layers. Unless `draws` is
/// `top`, the expectation of `(1/k) Σ w·g` over the k chosen samples is the mean `(1/n) Σ g` over all n
/// candidates. [`Draws`] describes draws without replacement.
///
/// Reference: A. Katharopoulos and F. Fleuret, *Not All Samples Are Created Equal: Deep Learning with
/// Importance Sampling*, ICML 2018.
///
/// ```
/// use driftmill_operators::{Matrix, downsampling::*};
/// let gradients = Some(Matrix::new(2, vec![0.1, -0.1, 0.7, -0.7, 0.2, -0.2]));
/// let policy = GradientNorm { draws: Draws::Top, ..GradientNorm::default() };
/// let budget = Budget { size: 2, seed: 0, round: 0 };
/// let chosen = choose(&policy, &SampleScores { gradients, ..SampleScores::of(3) }, budget).unwrap();
/// assert_eq!(chosen.iter().map(|chosen| chosen.index).collect::<Vec<_>>(), [1, 2]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GradientNorm {
    /// The method of drawing samples (default `without_replacement`).
    pub draws: Draws,
    /// The gradient (default `last_layer`, because only norms matter here, not directions).
    pub gradient: Gradient,
}

impl DownsamplingConfig for GradientNorm {
    fn required_scores(&self) -> RequiredScores {
        On::from(self.gradient).required_scores()
    }

    fn makes_up(&self) -> bool {
        true
    }

    fn choose(&self, scores: &SampleScores, budget: Budget) -> Vec<Chosen> {
        let vectors = On::from(self.gradient).vectors(scores);
        let length = |row: usize| {
            let right = vectors.right.as_ref().map_or(1.0, |right| norm(right.row(row)));
            (norm(vectors.left.row(row)) * right) as f32
        };
        self.draws.choose(&(0..scores.samples).map(length).collect::<Vec<_>>(), budget)
    }
}
