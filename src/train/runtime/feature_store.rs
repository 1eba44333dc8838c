//! Where the runtime reads features from.

use driftmill_datasets::{Schema, Values};
use driftmill_operators::Id;
use thiserror::Error;

/// The feature store of the runtime; the log implements it.
pub trait Rows: Send + Sync {
    /// Shape and type of the features.
    fn schema(&self) -> &Schema;

    /// Appends the features of `ids`, in the order asked, to `values`.
    ///
    /// # Errors
    /// When a sample is not there or cannot be read; `values` may then hold some of the rows.
    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), RowsError>;
}

/// Why the features of a sample could not be gathered.
#[derive(Debug, Error)]
#[error("reading the features of sample {id:?}")]
pub struct RowsError {
    /// The sample.
    pub id: Id,
    /// The problem.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
