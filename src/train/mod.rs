//! The runtime: one thread per job graph that owns Burn, trains, infers and scores.
//!
//! ```text
//! Runtime (handle) ──jobs──▶ queue ──by priority──▶ thread ──replies──▶ callbacks on that thread
//!                                                    ▲
//!                             loader thread ──batches┘   gathers the next batch meanwhile
//! ```
//!
//! Invariants:
//!
//! - A training is a function of its job, the model, the `[training]` table and the rows: on the
//!   CPU to the last bit, whatever else runs and however many threads there are.
//! - What is inferred for a sample does not depend on the other samples of the request: batches
//!   have one shape, are padded, and no arithmetic crosses rows.
//! - Every job is answered: with a result, an error, what a panic said, or
//!   [`TrainError::Stopped`].
//! - Inference for a decision overtakes everything at the next batch; a training takes a step
//!   between any two of them; scoring gets a turn after every epoch and training. So nothing
//!   starves.

mod downsampling;
mod error;
mod inference;
mod runtime;
mod training;

pub use downsampling::config::{Downsampling, Mode, Stage, Switch};
pub use downsampling::irreducible::{HeldOut, IrreducibleModels, Twin};
pub use error::TrainError;
pub use runtime::feature_store::{Rows, RowsError};
pub use runtime::handle::Runtime;
pub use runtime::job::{
    Downsampled, InferJob, Irreducible, Kept, Output, Priority, Progress, Score, ScoreJob,
    TrainJob, Trained,
};
pub use runtime::weights::Weights;
pub use training::config::{DeviceChoice, Fraction, Start, Training};
pub use training::optimizer::{AdamW, Decay, Momentum, OptimizerConfig, OptimizerTable, Rate, Sgd};
pub use training::training_row::TrainingRow;
