//! The model store: versions as folders of files.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{CatalogError, Version};
use crate::atomic_write::{StagedFolder, sync_folder};
use crate::failpoint::Failpoint;

/// Name of the weights file in a version's folder.
const WEIGHTS: &str = "model.safetensors";
/// Name of the description file in a version's folder.
const DESCRIPTION: &str = "version.json";

/// The name of irreducible-loss model `number` (from 1) of a branch in the catalog. Names of comparisons
/// contain no slash.
pub fn irreducible_key(branch: &str, number: usize) -> String {
    format!("{branch}/irreducible-{number}")
}

/// Model versions as folders `VERSION/model.safetensors` and `VERSION/version.json`.
///
/// A visible version is complete, because it is staged, synced and renamed.
#[derive(Clone, Debug)]
pub struct ModelStore {
    folder: PathBuf,
}

impl ModelStore {
    /// Creates the store in `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Creates the store of a branch of the run in `state`: the pipeline's own for an empty name, a
    /// comparison, or irreducible-loss models ([`irreducible_key`]).
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

    /// Adds a version, or replaces one that a crash left unrecorded. Returns the SHA-256 of the
    /// description.
    ///
    /// # Errors
    /// When the file system refuses. The version is then not visible.
    pub fn put(&self, version: &Version, weights: &[u8]) -> Result<String, CatalogError> {
        let target = self.folder_of(version.version);
        let failed = || CatalogError::io("writing", &target);
        let description = serde_json::to_vec_pretty(version)
            .map_err(|source| CatalogError::Version { path: target.join(DESCRIPTION), source })?;
        let staged = StagedFolder::begin(&target).map_err(failed())?;
        staged.write(WEIGHTS, weights).map_err(failed())?;
        staged.write(DESCRIPTION, &description).map_err(failed())?;
        staged.sync().map_err(failed())?;
        Failpoint::ModelStaged.reach();
        staged.complete().map_err(failed())?;
        Failpoint::ModelStored.reach();
        Ok(hex::encode(Sha256::digest(&description)))
    }

    /// Removes a version's weights, if there are any, and keeps its description. Returns their size.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove_weights(&self, version: u64) -> Result<u64, CatalogError> {
        let path = self.weights_of(version);
        let Some(bytes) = self.bytes_of(version) else { return Ok(0) };
        fs::remove_file(&path).map_err(CatalogError::io("removing", path))?;
        let folder = self.folder_of(version);
        sync_folder(&folder).map_err(CatalogError::io("syncing", folder))?;
        Ok(bytes)
    }

    /// Size of a version's weights; none if they were removed.
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
    /// When there is no such version, or its description does not decode.
    pub fn get(&self, version: u64) -> Result<Version, CatalogError> {
        self.described(version).map(|(version, _)| version)
    }

    /// A version's description, and the SHA-256 of its file.
    ///
    /// # Errors
    /// When there is no such version, or its description does not decode.
    pub fn described(&self, version: u64) -> Result<(Version, String), CatalogError> {
        let path = self.folder_of(version).join(DESCRIPTION);
        let bytes = fs::read(&path).map_err(CatalogError::io("reading", &path))?;
        let version = serde_json::from_slice(&bytes)
            .map_err(|source| CatalogError::Version { path, source })?;
        Ok((version, hex::encode(Sha256::digest(&bytes))))
    }

    /// The numbers of all versions, oldest first; none if the folder does not exist.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn numbers(&self) -> Result<Vec<u64>, CatalogError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries =
            fs::read_dir(&self.folder).map_err(CatalogError::io("reading", &self.folder))?;
        let mut numbers: Vec<u64> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}
