//! The `[store.tier]` table of a pipeline file.

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::objects::Objects;
use crate::store::Size;

/// The object store for complete segments of the log, as Parquet files, while the local disk keeps the
/// ones that were used last.
///
/// Credentials and settings of an object store come from the environment, under the names that its
/// own tools use: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT`, `AWS_REGION`,
/// `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME`, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// A folder of an object store, as in `"s3://bucket/folder"`, or of a file system that is mounted
    /// (`"file:///mnt/archive"`); each run has a folder of its own in it.
    pub url: String,
    /// Only segments all of whose samples are so much older than the newest, in event time, as in
    /// `"7d"` (default: every complete one).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
    /// Most bytes of such segments that stay on the local disk as well (default `"10GB"`); it should
    /// hold what a training set is made of, or that is fetched again for every epoch.
    #[serde(default = "cache")]
    pub cache: Size,
}

fn cache() -> Size {
    Size(10_000_000_000)
}

impl Tier {
    /// Problems of the table that its types do not exclude, as `(key, problem)`.
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
