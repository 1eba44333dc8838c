//! Values of arguments that several commands have.

use std::path::PathBuf;

use clap::Args;
use driftmill_datasets::Timestamp;

use super::error::Unreadable;
use crate::catalog::irreducible_key;
use crate::config::{Override, Pipeline, load};
use crate::report::SUMMARY_LIMIT;

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

/// The length of a list.
#[derive(Debug, Args)]
pub(super) struct Last {
    /// Show only the last N (default: 1000)
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Show all
    #[arg(long, conflicts_with = "last")]
    all: bool,
}

impl Last {
    /// The number of entries that are shown of a list of `length`.
    pub(super) fn of(&self, length: usize) -> usize {
        if self.all { length } else { length.min(self.last.unwrap_or(SUMMARY_LIMIT as usize)) }
    }

    /// The line about `earlier` entries that are not shown; empty if they were not asked for.
    pub(super) fn left_out(&self, earlier: usize) -> String {
        if earlier == 0 || self.last.is_some() {
            return String::new();
        }
        format!("… {earlier} before these: --all shows them\n")
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
