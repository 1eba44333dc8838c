//! Why a network cannot be built, read or written.

use thiserror::Error;

/// Why a network could not be built, read or written.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The model cannot take samples of the schema.
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
