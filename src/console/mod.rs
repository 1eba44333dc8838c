//! What a person sees while a job runs.

mod progress;
mod status;

pub use progress::Progress;
pub use status::{Status, Training};
