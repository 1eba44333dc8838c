//! Inference and scoring in batches of one shape.

pub(super) mod forward;
pub(super) mod softmax;
