//! What a person sees while a job runs.

mod progress;
mod status;
mod terminal;

pub use progress::Progress;
pub use status::{Status, Tally, Training};
pub use terminal::LogLines;
