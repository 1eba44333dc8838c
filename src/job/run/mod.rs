//! Starting, supervising and ending a run.

pub(super) mod end;
pub(super) mod interrupt;
pub(super) mod lifecycle;
pub(super) mod no_samples;
pub(super) mod open;
pub(super) mod options;
pub(super) mod pipeline_diff;
pub(super) mod prepare;
pub(super) mod process;
pub(super) mod state_directory;
