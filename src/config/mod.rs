//! Pipeline files: their schema, and the errors of invalid ones.

mod check;
mod error;
mod overrides;
mod parse;
mod pipeline;
mod recorded;

pub use error::{ConfigError, Problem};
pub use overrides::Override;
pub use parse::load;
pub use pipeline::{
    Checkpoint, Comparison, Composition, Evaluation, Pipeline, SHADOWS, Shadow, Shutdown,
    shadow_key,
};
pub use recorded::recorded;
