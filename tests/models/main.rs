//! The models and the runtime that trains them, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod downsampling;
#[cfg(feature = "wgpu")]
mod gpu;
mod portraits;
mod python;
mod support;
mod training;
