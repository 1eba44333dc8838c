//! driftmill turns a fast stream of training samples into a slower stream of model versions.

pub mod catalog;
pub mod cli;
pub mod config;
pub mod console;
pub mod evaluate;
pub mod job;
pub mod model;
pub mod report;
pub mod sink;
pub mod source;
pub mod store;
pub mod train;
