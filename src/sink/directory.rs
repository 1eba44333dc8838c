use std::fs::{self, File};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sink, SinkConfig, SinkError};
use crate::catalog::Version;

pub(super) const EXAMPLE: &str = "path = \"models\"";

/// A directory that holds each version as `NAME/VERSION/`, as model servers read them.
///
/// A version appears complete: it is copied aside and renamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The directory; created if missing.
    pub path: PathBuf,
}

impl SinkConfig for Directory {
    fn open(&self) -> Result<Box<dyn Sink>, SinkError> {
        fs::create_dir_all(&self.path).map_err(failed("creating", &self.path))?;
        Ok(Box::new(self.clone()))
    }
}

impl Sink for Directory {
    fn publish(&mut self, version: &Version, folder: &Path) -> Result<(), SinkError> {
        let versions = self.path.join(&version.model);
        if version.version == 1 && holds_versions(&versions) {
            tracing::warn!(
                "`{}` holds versions of an earlier run: those with the same numbers are replaced, \
                 later ones stay",
                versions.display()
            );
        }
        let staged = versions.join(format!(".staged-{}", version.version));
        if staged.exists() {
            fs::remove_dir_all(&staged).map_err(failed("clearing", &staged))?;
        }
        fs::create_dir_all(&staged).map_err(failed("creating", &staged))?;
        for entry in fs::read_dir(folder).map_err(failed("reading", folder))? {
            let from = entry.map_err(failed("reading", folder))?.path();
            let to = staged.join(from.file_name().expect("an entry has a name"));
            fs::copy(&from, &to).map_err(failed("copying", &from))?;
            File::open(&to).and_then(|file| file.sync_all()).map_err(failed("syncing", &to))?;
        }
        let target = versions.join(version.version.to_string());
        if target.exists() {
            fs::remove_dir_all(&target).map_err(failed("replacing", &target))?;
        }
        fs::rename(&staged, &target).map_err(failed("completing", &target))
    }
}

fn holds_versions(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .any(|name| name.parse::<u64>().is_ok())
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SinkError {
    let path = path.to_owned();
    move |source| SinkError::Io { action, path, source }
}
