//! The model store: versions as folders of files.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::database::hex;
use super::{CatalogError, Version};
use crate::failpoint::Failpoint;

/// The weights' file in a version's folder.
const WEIGHTS: &str = "model.safetensors";
/// The description's file in a version's folder.
const DESCRIPTION: &str = "version.json";

/// What the catalog calls irreducible-loss model `number`, from 1, of a branch: no comparison has a
/// slash in its name.
pub fn irreducible_key(branch: &str, number: usize) -> String {
    format!("{branch}/irreducible-{number}")
}

/// Model versions as folders `VERSION/model.safetensors` and `VERSION/version.json`.
///
/// A version is complete as soon as it is visible: it is written aside, synced and renamed.
#[derive(Clone, Debug)]
pub struct ModelStore {
    folder: PathBuf,
}

impl ModelStore {
    /// The store in `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The store of a branch of the run in `state`: the pipeline's own if the name is empty, else a
    /// comparison; or of irreducible-loss models ([`irreducible_key`]).
    pub fn of(state: &Path, branch: &str) -> Self {
        Self::new(match branch.split_once('/') {
            None if branch.is_empty() => state.join("models"),
            None => state.join("compare").join(branch),
            Some((branch, model)) => state.join("irreducible").join(branch).join(model),
        })
    }

    /// The folder of all versions.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a version.
    pub fn folder_of(&self, version: u64) -> PathBuf {
        self.folder.join(version.to_string())
    }

    /// The file with a version's weights.
    pub fn weights_of(&self, version: u64) -> PathBuf {
        self.folder_of(version).join(WEIGHTS)
    }

    /// Adds a version; replaces what a crash may have left of it. Returns SHA-256 of the description.
    ///
    /// # Errors
    /// When the file system refuses; the version is then not visible.
    pub fn put(&self, version: &Version, weights: &[u8]) -> Result<String, CatalogError> {
        let staged = self.folder.join(format!(".staged-{}", version.version));
        if staged.exists() {
            fs::remove_dir_all(&staged).map_err(CatalogError::io("clearing", &staged))?;
        }
        fs::create_dir_all(&staged).map_err(CatalogError::io("creating", &staged))?;
        write_synced(&staged.join(WEIGHTS), weights)?;
        let description = serde_json::to_vec_pretty(version)
            .map_err(|source| CatalogError::Version { path: staged.join(DESCRIPTION), source })?;
        write_synced(&staged.join(DESCRIPTION), &description)?;
        sync(&staged)?;
        Failpoint::ModelStaged.reach();
        let target = self.folder_of(version.version);
        if target.exists() {
            fs::remove_dir_all(&target).map_err(CatalogError::io("replacing", &target))?;
        }
        fs::rename(&staged, &target).map_err(CatalogError::io("completing", &target))?;
        sync(&self.folder)?;
        Failpoint::ModelStored.reach();
        Ok(hex(&Sha256::digest(&description)))
    }

    /// Removes a version's weights, if they are there; its description stays. Returns their bytes.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove_weights(&self, version: u64) -> Result<u64, CatalogError> {
        let path = self.weights_of(version);
        let Some(bytes) = self.bytes_of(version) else { return Ok(0) };
        fs::remove_file(&path).map_err(CatalogError::io("removing", path))?;
        sync(&self.folder_of(version))?;
        Ok(bytes)
    }

    /// Size of a version's weights; none if they are not there.
    pub fn bytes_of(&self, version: u64) -> Option<u64> {
        fs::metadata(self.weights_of(version)).ok().map(|file| file.len())
    }

    /// A version's weights.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn weights(&self, version: u64) -> Result<Vec<u8>, CatalogError> {
        let path = self.weights_of(version);
        fs::read(&path).map_err(CatalogError::io("reading", path))
    }

    /// A version's description.
    ///
    /// # Errors
    /// When there is no such version, or its description is not one.
    pub fn get(&self, version: u64) -> Result<Version, CatalogError> {
        self.described(version).map(|(version, _)| version)
    }

    /// A version's description, with SHA-256 of its file.
    ///
    /// # Errors
    /// When there is no such version, or its description is not one.
    pub fn described(&self, version: u64) -> Result<(Version, String), CatalogError> {
        let path = self.folder_of(version).join(DESCRIPTION);
        let bytes = fs::read(&path).map_err(CatalogError::io("reading", &path))?;
        let version = serde_json::from_slice(&bytes)
            .map_err(|source| CatalogError::Version { path, source })?;
        Ok((version, hex(&Sha256::digest(&bytes))))
    }

    /// All versions, oldest first.
    ///
    /// # Errors
    /// When the folder or a description cannot be read.
    pub fn list(&self) -> Result<Vec<Version>, CatalogError> {
        let entries =
            fs::read_dir(&self.folder).map_err(CatalogError::io("reading", &self.folder))?;
        let mut numbers: Vec<u64> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.get(number)).collect()
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), CatalogError> {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(CatalogError::io("writing", path))
}

fn sync(folder: &Path) -> Result<(), CatalogError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(CatalogError::io("syncing", folder))
}
