//! Sinks. Versions are published to them exactly once, in addition to the run's model store.

mod error;

pub use error::SinkError;

use std::path::Path;

use crate::catalog::Version;
use crate::outage::CancellationToken;

/// A table `[sink.…]` of a pipeline file.
pub trait SinkConfig: Send + Sync {
    /// Problems of the table that its types cannot detect, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Opens the sink for the versions of `model`. All waits in it end when `stop` is raised.
    ///
    /// # Errors
    /// When it cannot be reached.
    fn open(&self, model: &str, stop: &CancellationToken) -> Result<Box<dyn Sink>, SinkError>;
}

/// Publishes the versions of one model.
///
/// After a crash the published versions are read back, so that none is published again.
pub trait Sink: Send {
    /// The versions of all runs that were published from the bookmark `since` on, oldest first; without a
    /// bookmark, all published versions. Does not disturb publishers.
    ///
    /// # Errors
    /// When they cannot be read.
    fn published(&mut self, since: Option<&str>) -> Result<Vec<Published>, SinkError>;

    /// Ensures that no other job publishes this model any more. Published versions must be read afterwards.
    ///
    /// # Errors
    /// When it cannot be ensured.
    fn take_over(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Publishes `version`, whose complete folder is `folder`. Tries again without a time limit. Returns a
    /// bookmark if the sink has bookmarks: versions before it need not be read back again.
    ///
    /// # Errors
    /// When the version cannot be published, or `stop` was raised.
    fn publish(&mut self, version: &Version, folder: &Path) -> Result<Option<String>, SinkError>;
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The run that made it.
    pub run: String,
    /// Its number.
    pub version: u64,
    /// SHA-256 of its weights.
    pub sha256: String,
}

impl Published {
    /// The part of `version` that is read back.
    pub fn of(version: &Version) -> Self {
        Self {
            run: version.run().to_owned(),
            version: version.version,
            sha256: version.artifact.sha256.clone(),
        }
    }

    /// Whether this is the version `wanted`.
    ///
    /// # Errors
    /// When it has the same run and number, but another digest.
    pub fn is(&self, wanted: &Self) -> Result<bool, SinkError> {
        if (&self.run, self.version) != (&wanted.run, wanted.version) {
            return Ok(false);
        }
        if self.sha256 == wanted.sha256 {
            return Ok(true);
        }
        Err(SinkError::Conflict {
            version: self.version,
            there: self.sha256.clone(),
            made: wanted.sha256.clone(),
        })
    }
}

driftmill_registry::any_of! {
    /// The `[sink]` table of a pipeline file: any number of sinks.
    #[derive(schemars::JsonSchema)]
    SinkTable: dyn SinkConfig {
        directory: Directory,
        kafka: KafkaSink,
    }
}
