//! One training: batch schedule, prefetching, training loop and optimizer.

pub(super) mod average;
pub(super) mod batch;
pub(super) mod batch_schedule;
pub(super) mod config;
pub(super) mod optimizer;
pub(super) mod prefetch;
pub(super) mod run;
pub(super) mod training_loop;
pub(super) mod training_row;
