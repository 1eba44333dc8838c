//! Objects on an object store, by URL.

use std::ffi::OsString;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme, parse_url_opts};
use parquet::file::reader::ChunkReader;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::store::StoreError;

/// An object with its URL.
pub(in crate::store) struct Objects {
    url: String,
    store: Arc<dyn ObjectStore>,
    path: Path,
    runtime: Runtime,
}

/// Schemes that need a cargo feature.
const FEATURES: [(ObjectStoreScheme, &str, bool); 3] = [
    (ObjectStoreScheme::AmazonS3, "s3", cfg!(feature = "s3")),
    (ObjectStoreScheme::GoogleCloudStorage, "gcs", cfg!(feature = "gcs")),
    (ObjectStoreScheme::MicrosoftAzure, "azure", cfg!(feature = "azure")),
];

impl Objects {
    /// Checks that this program supports the store of `url`.
    ///
    /// # Errors
    /// The reason why it does not.
    pub(in crate::store) fn supports(url: &Url) -> Result<(), String> {
        let known =
            "file:///folder, s3://bucket/folder, gs://bucket/folder or az://container/folder";
        let (scheme, _) = ObjectStoreScheme::parse(url)
            .map_err(|_| format!("wanted the URL of an object store: {known}"))?;
        if scheme == ObjectStoreScheme::Local {
            return Ok(());
        }
        match FEATURES.iter().find(|(known, ..)| *known == scheme) {
            Some((.., true)) => Ok(()),
            Some((_, feature, false)) => Err(format!(
                "this program was built without it: build it with `--features {feature}`"
            )),
            None => Err(format!("wanted the URL of an object store: {known}")),
        }
    }

    /// The object at `url`. Settings of its store are read from the environment.
    ///
    /// # Errors
    /// When the URL is invalid, or a setting is missing.
    pub(in crate::store) fn at(url: &str) -> Result<Self, StoreError> {
        let failed = StoreError::tier("reaching", url);
        let wrong = |source: Box<dyn std::error::Error + Send + Sync>| {
            object_store::Error::Generic { store: "URL", source }
        };
        let opened = Url::parse(url).map_err(|error| wrong(error.into())).and_then(|parsed| {
            let (scheme, path) =
                ObjectStoreScheme::parse(&parsed).map_err(|error| wrong(error.into()))?;
            if scheme == ObjectStoreScheme::Local {
                // with fsync, so that an object that is reported as uploaded survives a power failure.
                let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new().with_fsync(true));
                return Ok((store, path));
            }
            let variable = |(name, value): (OsString, OsString)| {
                Some((name.into_string().ok()?.to_lowercase(), value.into_string().ok()?))
            };
            let variables = std::env::vars_os().filter_map(variable);
            parse_url_opts(&parsed, variables).map(|(store, path)| (store.into(), path))
        });
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(StoreError::io("starting a runtime for", url))?;
        let (store, path) = opened.map_err(failed)?;
        Ok(Self { url: url.to_owned(), store, path, runtime })
    }

    /// Writes the object completely or not at all.
    ///
    /// # Errors
    /// When the store cannot be reached, or returns an error.
    pub(in crate::store) fn put(&self, bytes: Vec<u8>) -> Result<(), StoreError> {
        let put = self.runtime.block_on(self.store.put(&self.path, bytes.into()));
        put.map(drop).map_err(StoreError::tier("writing", &self.url))
    }

    /// Reads the object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it does not exist; another error when the store cannot be reached.
    pub(in crate::store) fn get(&self) -> Result<impl ChunkReader + use<>, StoreError> {
        let got = self.runtime.block_on(async { self.store.get(&self.path).await?.bytes().await });
        got.map_err(|error| match error {
            object_store::Error::NotFound { .. } => {
                StoreError::NotFound { path: self.url.as_str().into() }
            }
            error => StoreError::tier("reading", &self.url)(error),
        })
    }

    /// Removes the object, if it exists.
    ///
    /// # Errors
    /// When the store cannot be reached, or returns an error.
    pub(in crate::store) fn delete(&self) -> Result<(), StoreError> {
        match self.runtime.block_on(self.store.delete(&self.path)) {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            deleted => deleted.map_err(StoreError::tier("removing", &self.url)),
        }
    }
}
