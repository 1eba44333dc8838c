//! The command line.

mod arguments;
mod calibrate;
mod check;
mod command;
mod components;
mod decisions;
mod error;
mod export;
mod gc;
mod generate;
mod graph;
mod lineage;
mod models;
mod output;
mod replay;
mod run;
mod training_set;
mod verify;

pub use command::Cli;
pub use error::exit_code;
