//! Prequential evaluation: every sample is scored before it is trained on.

mod evaluate;
mod scores;
mod unscored;

pub use evaluate::Evaluate;
pub use scores::{Evaluated, Scorable, Scored, Scores, ToScore};
