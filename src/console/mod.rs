//! The display of a running job.

mod progress;
mod status;
mod terminal;

pub use progress::Progress;
pub use status::{Status, Tally, Training};
pub use terminal::LogLines;
