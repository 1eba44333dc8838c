//! Where model versions go besides the run's own model store.

mod error;

pub use error::SinkError;

use std::path::Path;

use crate::catalog::Version;

/// What a `[sink.…]` table builds.
pub trait SinkConfig: Send + Sync {
    /// Opens the sink.
    ///
    /// # Errors
    /// When it cannot be reached.
    fn open(&self) -> Result<Box<dyn Sink>, SinkError>;
}

/// Takes model versions.
pub trait Sink: Send {
    /// Publishes `version`, whose complete folder is `folder`.
    ///
    /// Publishing one version twice has the effect of once, or is seen as a duplicate by its id.
    ///
    /// # Errors
    /// When the version was not, or may not have been, published.
    fn publish(&mut self, version: &Version, folder: &Path) -> Result<(), SinkError>;
}

driftmill_registry::any_of! {
    /// The `[sink]` table of a pipeline file: any number of sinks.
    SinkTable: dyn SinkConfig {
        directory: Directory,
        kafka: KafkaSink,
    }
}

pub use kafka::create_topic;
