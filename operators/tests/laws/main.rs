//! Laws of every policy and of the dataflow that runs the policies.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod calibration;
mod catalog;
mod choices;
mod class_memory;
mod classes;
mod copies;
mod coresets;
mod criteria;
mod detectors;
mod determinism;
mod downsampling;
mod ensemble;
mod evaluate;
mod herding;
mod holdout;
mod host;
mod keyed;
mod label_triggers;
mod labelled;
mod labels;
mod neighbours;
mod on_delete;
mod p_values;
mod performance;
mod references;
mod retained_samples;
mod rho_loss;
mod selections;
mod shadow;
mod upsert;
mod vectors;
