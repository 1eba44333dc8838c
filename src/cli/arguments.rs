//! Values of arguments that several commands have.

use std::path::PathBuf;

use clap::Args;
use driftmill_datasets::Timestamp;

use super::error::Unreadable;
use crate::catalog::irreducible_key;
use crate::config::{Override, Pipeline, load};

/// A pipeline file and the changes to it on the command line.
#[derive(Debug, Args)]
pub(super) struct File {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Set a key of the pipeline file, such as `--set source.kafka.brokers=host:9092`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<Override>,
}

impl File {
    /// Loads the pipeline.
    ///
    /// # Errors
    /// When the file cannot be read, or is no valid pipeline.
    pub(super) fn load(&self) -> anyhow::Result<Pipeline> {
        let name = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|source| Unreadable { file: name.clone(), source })?;
        Ok(load(&name, &text, &self.overrides)?)
    }
}

/// The name of a branch in the catalog: the pipeline's own policies, a comparison, or an irreducible-loss
/// model of one of them.
pub(super) fn branch(compare: Option<String>, irreducible: Option<usize>) -> String {
    let branch = compare.unwrap_or_default();
    irreducible.map_or_else(|| branch.clone(), |number| irreducible_key(&branch, number))
}

/// Parses a time into milliseconds since 1970.
pub(super) fn time(text: &str) -> Result<i64, String> {
    if let Ok(millis) = text.parse() {
        return Ok(millis);
    }
    text.parse::<Timestamp>().map(Timestamp::millis).map_err(|error| error.to_string())
}
