//! The `verify` command: checks every byte of a state directory.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::error::Usage;
use super::output::print;
use crate::catalog::Catalog;
use crate::job::StateDirectory;
use crate::{catalog, store};

/// The exit code for bad data, as in `sysexits.h`.
const DAMAGED: u8 = 65;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// State directory of a run
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// Answer with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        if !self.state.join("catalog.sqlite").exists() {
            let text = format!("`{}` is not the state directory of a run", self.state.display());
            return Err(Usage(text).into());
        }
        // the files of a running job would look damaged.
        let state = StateDirectory::open(&self.state)?;
        let catalog = Catalog::open(&state.path().join("catalog.sqlite"))?;
        let log = store::verify(&state.path().join("log"), &catalog.segments()?)?;
        let catalog = catalog::verify(&catalog, state.path(), &log.ids)?;
        let damages = log.damages.iter().map(|damage| {
            format!("`{}` from byte {} on: {}", damage.path.display(), damage.valid, damage.detail)
        });
        let problems: Vec<String> = damages.chain(catalog.problems.iter().cloned()).collect();
        let code = if problems.is_empty() { 0 } else { DAMAGED };
        if self.json {
            print(
                &json!({
                    "segments": log.segments,
                    "rows": log.rows,
                    "bytes": log.bytes,
                    "decisions": catalog.decisions,
                    "versions": catalog.versions,
                    "problems": problems,
                })
                .to_string(),
            )?;
            return Ok(code);
        }
        let mut text = format!(
            "{} rows in {} segments of the log, {} decisions and {} versions are intact\n",
            log.rows, log.segments, catalog.decisions, catalog.versions
        );
        for problem in &problems {
            writeln!(text, "damaged: {problem}")?;
        }
        print(&text)?;
        Ok(code)
    }
}
