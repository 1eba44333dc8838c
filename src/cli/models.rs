use std::path::PathBuf;

use clap::Args;

use super::error::Usage;
use super::print;
use crate::catalog::{ModelStore, Version};
use crate::report::{align_right, day, plain_table};

#[derive(Debug, Args)]
pub(super) struct Models {
    /// State directory of a run
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// Show this version in full
    #[arg(value_name = "VERSION")]
    version: Option<u64>,
    /// Look at the versions of a policy that the pipeline was compared with
    #[arg(long, value_name = "NAME")]
    compare: Option<String>,
    /// Answer with JSON on stdout
    #[arg(long)]
    json: bool,
}

impl Models {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let folder = match &self.compare {
            Some(name) => self.state.join("compare").join(name),
            None => self.state.join("models"),
        };
        if !self.state.join("catalog.sqlite").exists() {
            let text = format!("`{}` is not the state directory of a run", self.state.display());
            return Err(Usage(text).into());
        }
        let store = ModelStore::new(&folder);
        if let Some(version) = self.version {
            return print(&serde_json::to_string_pretty(&store.get(version)?)?);
        }
        let versions = if folder.exists() { store.list()? } else { Vec::new() };
        print(&if self.json { serde_json::to_string(&versions)? } else { table(&versions) })
    }
}

fn table(versions: &[Version]) -> String {
    let mut table =
        plain_table(["version", "trigger", "trained at", "why", "samples", "loss", "sha256"]);
    for version in versions {
        table.add_row([
            version.version.to_string(),
            version.trigger.id.to_string(),
            day(version.trigger.position.time),
            version.trigger.reason.clone(),
            version.data.samples.to_string(),
            version.losses.last().map_or("–".into(), |loss| format!("{loss:.3}")),
            version.artifact.sha256.chars().take(12).collect(),
        ]);
    }
    align_right(&mut table, &[0, 1, 4, 5]);
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
