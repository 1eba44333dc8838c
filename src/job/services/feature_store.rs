//! The log as the feature store of trainings.

use driftmill_datasets::{Schema, Values};
use driftmill_operators::Id;

use crate::store::{Log, StoreError};
use crate::train::{Rows, RowsError};

/// The log as the trainer sees it.
pub(in crate::job) struct LogRows(pub(in crate::job) Log);

impl Rows for LogRows {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }

    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), RowsError> {
        self.0.gather(ids, values).map_err(|error| {
            let id = match &error {
                StoreError::Missing(id) => *id,
                _ => ids.first().copied().unwrap_or_default(),
            };
            RowsError { id, source: error.into() }
        })
    }
}
