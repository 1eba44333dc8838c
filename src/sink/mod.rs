//! Sinks, to which versions are published exactly once, in addition to the run's model store.

mod error;

pub use error::SinkError;

use std::path::Path;

use crate::catalog::Version;
use crate::outage::CancellationToken;

/// A table `[sink.…]` of a pipeline file.
pub trait SinkConfig: Send + Sync {
    /// Problems of the table that its types do not exclude, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Opens the sink for the versions of `model`; whatever waits in it ends when `stop` is raised.
    ///
    /// # Errors
    /// When it cannot be reached.
    fn open(&self, model: &str, stop: &CancellationToken) -> Result<Box<dyn Sink>, SinkError>;
}

/// Takes the versions of one model.
///
/// After a crash the published versions are read back, so that none is published again.
pub trait Sink: Send {
    /// The versions that were published from the bookmark `since` on, of all runs, oldest first;
    /// without a bookmark all that are there. Disturbs nobody who publishes.
    ///
    /// # Errors
    /// When they cannot be read.
    fn published(&mut self, since: Option<&str>) -> Result<Vec<Published>, SinkError>;

    /// Sees to it that nobody else publishes this model any more; what was published is to be read
    /// after it.
    ///
    /// # Errors
    /// When that cannot be had.
    fn take_over(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Publishes `version`, whose complete folder is `folder`; tries again for as long as it takes.
    /// Returns a bookmark, where the sink has them: nothing before it needs to be read back again.
    ///
    /// # Errors
    /// When the version cannot be published, or `stop` was raised.
    fn publish(&mut self, version: &Version, folder: &Path) -> Result<Option<String>, SinkError>;
}

/// A version that was published.
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

    /// Whether this is the version `wanted`; none if it is another.
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
