//! The runtime: one thread per job that owns Burn and trains, infers and scores.
//!
//! ```text
//! Runtime (handle) ──jobs──▶ queue ──by priority──▶ thread ──replies──▶ callbacks on that thread
//!                                                    ▲
//!                             loader thread ──batches┘   gathers the next batch meanwhile
//! ```
//!
//! Invariants:
//!
//! - A training is a function of its job, the model, the `[training]` table and the rows. On the CPU its
//!   result is identical to the last bit, whatever else runs and for any number of threads.
//! - The outputs of a sample do not depend on the other samples of the request: batches have one shape, are
//!   padded, and no arithmetic crosses rows.
//! - Every job is answered: with a result, an error, the message of a panic, or [`TrainError::Stopped`].
//! - Inference for a decision overtakes everything else at the next batch. A training takes a step between
//!   any two of them. Scoring gets a turn after every epoch and every training. No job therefore starves.

mod downsampling;
mod error;
mod inference;
mod runtime;
mod training;

pub use downsampling::config::{Downsampling, Mode, Stage, Switch};
pub use downsampling::irreducible::{HeldOut, IrreducibleModels, Twin};
pub use error::TrainError;
pub use runtime::arithmetic::arithmetic;
pub use runtime::feature_store::{FeatureStore, FeatureStoreError};
pub use runtime::handle::Runtime;
pub use runtime::job::{
    InferJob, Irreducible, Output, Priority, Progress, Score, ScoreJob, TrainJob, Trained,
};
pub use runtime::weights::Weights;
pub use training::config::{DeviceChoice, Fraction, Start, Training};
pub use training::optimizer::{AdamW, OptimizerConfig, OptimizerTable, Sgd};
pub use training::training_row::TrainingRow;
