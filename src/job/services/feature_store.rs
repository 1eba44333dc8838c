//! The log as the feature store of trainings.

use driftmill_datasets::{Schema, Values};
use driftmill_operators::Id;

use crate::store::{Log, StoreError};
use crate::train::{FeatureStore, FeatureStoreError};

/// The log, for the trainer.
pub(in crate::job) struct LogFeatures(pub(in crate::job) Log);

impl FeatureStore for LogFeatures {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }

    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), FeatureStoreError> {
        self.0.gather(ids, values).map_err(|error| {
            let id = match &error {
                StoreError::Missing(id) => *id,
                _ => ids.first().copied().unwrap_or_default(),
            };
            FeatureStoreError { id, source: error.into() }
        })
    }
}
