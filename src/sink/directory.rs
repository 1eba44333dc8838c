//! A sink that publishes versions to a directory.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CancellationToken, Published, Sink, SinkConfig, SinkError};
use crate::atomic_write::StagedFolder;
use crate::catalog::{ModelStore, Version};

pub(super) const EXAMPLE: &str = "path = \"models\"";

/// A directory that holds each version as `NAME/VERSION/`, as model servers read them.
///
/// A version appears complete: it is copied aside, synced and renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The directory; created if missing.
    pub path: PathBuf,
}

impl SinkConfig for Directory {
    fn open(&self, model: &str, _stop: &CancellationToken) -> Result<Box<dyn Sink>, SinkError> {
        let versions = self.path.join(model);
        fs::create_dir_all(&versions).map_err(failed("creating", &versions))?;
        Ok(Box::new(Versions(versions)))
    }
}

/// The folder with a model's versions.
struct Versions(PathBuf);

impl Sink for Versions {
    fn published(&mut self, _since: Option<&str>) -> Result<Vec<Published>, SinkError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed("reading", &self.0))? {
            let name = entry.map_err(failed("reading", &self.0))?.file_name();
            let number = name.to_str().and_then(|name| name.parse().ok());
            found.extend(number.and_then(|number| self.get(number)));
        }
        found.sort_by(|a, b| (&a.created, a.version).cmp(&(&b.created, b.version)));
        Ok(found.iter().map(Published::of).collect())
    }

    fn publish(&mut self, version: &Version, folder: &Path) -> Result<Option<String>, SinkError> {
        let number = version.version;
        let there = self.get(number).map(|there| Published::of(&there));
        if let Some(there) = &there {
            if there.is(&Published::of(version))? {
                return Ok(None);
            }
            let (path, other) = (self.0.display(), &there.run);
            tracing::warn!("`{path}/{number}` is of run `{other}`: it is replaced");
        }
        let target = self.0.join(number.to_string());
        let staged = StagedFolder::begin(&target).map_err(failed("creating", &target))?;
        for entry in fs::read_dir(folder).map_err(failed("reading", folder))? {
            let from = entry.map_err(failed("reading", folder))?.path();
            staged.copy(&from).map_err(failed("copying", &from))?;
        }
        staged.complete().map_err(failed("completing", &target))?;
        Ok(None)
    }
}

impl Versions {
    /// A version's description; none where there is no complete one.
    fn get(&self, number: u64) -> Option<Version> {
        ModelStore::new(&self.0).get(number).ok()
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SinkError {
    let path = path.to_owned();
    move |source| SinkError::Io { action, path, source }
}
