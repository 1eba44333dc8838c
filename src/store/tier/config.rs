//! The `[store.tier]` table of a pipeline file.

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::objects::Objects;
use crate::store::Size;

/// The object store for complete segments of the log, as Parquet files. The local disk keeps the segments
/// that were used last.
///
/// Credentials and settings of an object store are read from the environment, with the names of its own
/// tools: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT`, `AWS_REGION`,
/// `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME`, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// A folder of an object store, such as `"s3://bucket/folder"`, or of a mounted file system
    /// (`"file:///mnt/archive"`). Each run has a separate folder in it.
    pub url: String,
    /// Minimum age of uploaded segments: all their samples are older than the newest sample by this event
    /// time, such as `"7d"` (default: every complete segment is uploaded).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
    /// Maximum number of bytes of uploaded segments on the local disk (default `"10GB"`). It should be
    /// enough for a training set, because otherwise its segments are fetched again for every epoch.
    #[serde(default = "cache")]
    pub cache: Size,
}

fn cache() -> Size {
    Size(10_000_000_000)
}

impl Tier {
    /// Problems of the table that its types cannot detect, as `(key, problem)`.
    pub fn check(&self) -> Vec<(&'static str, String)> {
        let problem = match Url::parse(&self.url) {
            Err(error) => format!("wanted a URL, as in \"s3://bucket/folder\": {error}"),
            Ok(url) => match Objects::supports(&url) {
                Err(problem) => problem,
                Ok(()) => return Vec::new(),
            },
        };
        vec![("url", problem)]
    }

    /// The URL of segment `name` of run `run`.
    pub fn url_of(&self, run: &str, name: &str) -> String {
        format!("{}/{run}/{name}.{}", self.url.trim_end_matches('/'), super::EXTENSION)
    }
}
