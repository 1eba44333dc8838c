//! The files of a version.

use driftmill_operators::selection::TrainingSet;

use super::describe::{Named, describe};
use crate::catalog::{NewVersion, Version};
use crate::job::Context;
use crate::train::Trained;

/// A version whose files are durable.
pub(in crate::job) struct Stored {
    pub(in crate::job) version: Version,
    /// SHA-256 of its description.
    description: String,
}

impl Stored {
    /// Makes the files of a version durable.
    pub(in crate::job) fn put(
        context: &Context,
        named: Named<'_>,
        set: &TrainingSet,
        trained: &Trained,
    ) -> anyhow::Result<Self> {
        let version = describe(context, named, set, trained);
        let description = named.store.put(&version, trained.weights.bytes())?;
        Ok(Self { version, description })
    }

    /// The record of it in the catalog.
    pub(in crate::job) fn record<'a>(&'a self, trained: &'a Trained) -> NewVersion<'a> {
        let kept = trained.downsampled.as_ref().map_or(&[][..], |downsampled| &downsampled.kept);
        NewVersion {
            version: self.version.version,
            sha256: trained.weights.sha256(),
            description: &self.description,
            loss: trained.losses.last().copied(),
            trained_samples: self
                .version
                .data
                .trained_samples
                .as_ref()
                .map(|trained_samples| (trained_samples, kept)),
        }
    }
}
