//! A sink that publishes versions to a directory.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CancellationToken, Published, Sink, SinkConfig, SinkError};
use crate::atomic_write::{FileError, StagedFolder};
use crate::catalog::{ModelStore, Version};

pub(super) const EXAMPLE: &str = "path = \"models\"";

/// A directory with a folder `NAME/VERSION/` for each version, as model servers read it.
///
/// A version appears complete: it is copied to a temporary folder, synced and renamed.
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
    fn published(&mut self, since: Option<&str>) -> Result<Vec<Published>, SinkError> {
        if let Some(last) = since.and_then(|since| since.parse::<u64>().ok()) {
            // all versions up to the bookmark are known, and later ones follow it without gaps.
            let later = (last + 1..).map_while(|number| self.get(number));
            return Ok(later.map(|version| Published::of(&version)).collect());
        }
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
            tracing::warn!("`{path}/{number}` belongs to run `{other}`: it is replaced");
        }
        let target = self.0.join(number.to_string());
        let staged = StagedFolder::begin(&target).map_err(failed("creating", &target))?;
        for entry in fs::read_dir(folder).map_err(failed("reading", folder))? {
            let from = entry.map_err(failed("reading", folder))?.path();
            staged.copy(&from).map_err(failed("copying", &from))?;
        }
        staged.complete().map_err(failed("completing", &target))?;
        // the bookmark is the number of the version.
        Ok(Some(number.to_string()))
    }
}

impl Versions {
    /// A version's description; none without a complete one.
    fn get(&self, number: u64) -> Option<Version> {
        ModelStore::new(&self.0).get(number).ok()
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SinkError {
    FileError::of(action, path)
}
