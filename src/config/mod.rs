//! Pipeline files: what they may say, and what is answered when they say something else.

mod check;
mod error;
mod overrides;
mod parse;
mod pipeline;

pub use error::{ConfigError, Problem};
pub use overrides::Override;
pub use parse::load;
pub use pipeline::{
    Checkpoint, Comparison, Composition, Evaluation, Pipeline, SHADOWS, Shadow, Shutdown,
    shadow_key,
};
