//! The feature store of the runtime.

use driftmill_datasets::{Schema, Values};
use driftmill_operators::Id;
use thiserror::Error;

/// The feature store of the runtime. The log implements it.
pub trait FeatureStore: Send + Sync {
    /// Shape and type of the features.
    fn schema(&self) -> &Schema;

    /// Appends the features of `ids` to `values`, in this order.
    ///
    /// # Errors
    /// When a sample does not exist or cannot be read. `values` may then contain some of the rows.
    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), FeatureStoreError>;
}

/// The error if the features of a sample cannot be gathered.
#[derive(Debug, Error)]
#[error("reading the features of sample {id:?}")]
pub struct FeatureStoreError {
    /// The sample.
    pub id: Id,
    /// The problem.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
