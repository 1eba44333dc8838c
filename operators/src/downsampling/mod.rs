//! Downsampling: the choice of samples to train on, by the outputs of a model.
//!
//! A policy is a pure function. Its host computes the scores that the policy
//! [requires](DownsamplingConfig::required_scores) (losses, probabilities, gradients, embeddings), and
//! [`choose`] returns the samples to keep and their weights. The host decides how often that happens
//! and from which trigger on.
//!
//! By default no memory is quadratic in the number of candidates: similarities are kept for nearest
//! neighbours only or computed on demand, and candidates may be split into classes ([`Balance`]) and
//! blocks.
//!
//! To add a policy, write one file in the folder it belongs to, declare it in the folder's `mod.rs`,
//! and add one line to the table at the end of this file.

mod balance;
mod kept;
mod math;
mod policy;
mod sample_scores;

pub use balance::Balance;
pub use coverage::k_center::First;
pub use gradient_matching::herding::exemplars;
pub use kept::{Downsampled, Kept};
pub use math::greedy::{ApproximateLazy, Greedy, Stochastic};
pub use math::neighbours::{All, Neighbours};
pub use math::sampling::Draws;
pub use math::space::{Gradient, On};
pub use policy::{Budget, Chosen, DownsamplingConfig, choose};
pub use sample_scores::{RequiredScores, SampleScores, SampleScoresError};

driftmill_registry::one_of! {
    /// The `[downsampling]` table of a pipeline file.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    DownsamplingTable: dyn DownsamplingConfig {
        random {
            uniform: Uniform = "",
            rs2: Rs2,
        }
        by_score {
            loss: Loss = "",
            rho_loss: RhoLoss = "",
            gradient_norm: GradientNorm = "",
            least_confidence: LeastConfidence = "",
            entropy: Entropy = "",
            margin: Margin = "",
        }
        coverage {
            k_center: KCenter = "",
            facility_location: FacilityLocation = "",
            graph_cut: GraphCut = "",
            log_determinant: LogDeterminant = "",
        }
        gradient_matching {
            craig: Craig = "",
            grad_match: GradMatch = "",
            herding: Herding = "",
        }
    }
}
