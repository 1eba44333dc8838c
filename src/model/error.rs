//! Errors of building, reading and writing networks.

use thiserror::Error;

/// The error if a network cannot be built, read or written.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The model cannot process samples of the schema.
    #[error("building model `{model}`: {problem}")]
    Shape {
        /// Key of the model in pipeline files.
        model: &'static str,
        /// The expected schema, and a hint.
        problem: String,
    },
    /// The bytes are not weights of this network.
    #[error(
        "reading the weights of a model: {0}\nhint: were they written with another `[model]` table?"
    )]
    Read(String),
    /// The weights could not be written.
    #[error("writing the weights of a model: {0}")]
    Write(String),
}
